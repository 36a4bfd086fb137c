package ingest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// providerFigures adds up what the records of a provider's files say, while they are
// read: memory grows with what is told apart and not with the files. Figures of a
// provider are no facts; see warehouse.Store.WriteProviderFigures.
type providerFigures struct {
	source kpi.ProviderSource
	report *Report
	values map[warehouse.ProviderKey]int64
	// records counts them by what they are of, whatever of it they say: a record is
	// stored where one of its figures is.
	records map[warehouse.ProviderKey]int
}

func newProviderFigures(source kpi.ProviderSource, report *Report) *providerFigures {
	return &providerFigures{source: source, report: report, values: map[warehouse.ProviderKey]int64{}, records: map[warehouse.ProviderKey]int{}}
}

// mostProviderFigures bounds memory: some 500 bytes each.
const mostProviderFigures = 1_000_000

// add takes a record's figures, all or none.
func (p *providerFigures) add(figures []warehouse.ProviderFigure) error { return p.addMany(figures, 1) }

// addMany takes the figures that several records of one subject add up to.
func (p *providerFigures) addMany(figures []warehouse.ProviderFigure, records int) error {
	for _, f := range figures {
		if err := f.Check(); err != nil {
			return err
		}
		if _, err := sumOf(p.values[f.ProviderKey], f.Value); err != nil {
			return err
		}
	}
	for _, f := range figures {
		p.values[f.ProviderKey] += f.Value
	}
	p.records[subjectOf(figures[0].ProviderKey)] += records
	if len(p.values) > mostProviderFigures {
		return fatal(fmt.Errorf("the files tell more than %d figures apart: import the months one by one", mostProviderFigures))
	}
	return nil
}

// fromRecords takes the records of CSV files.
func (p *providerFigures) fromRecords(ctx context.Context, files []File, wanted columns, parse func(record) ([]warehouse.ProviderFigure, error)) error {
	for _, file := range files {
		err := p.report.eachRecord(ctx, file, wanted, func(rec record) error {
			stated, err := parse(rec)
			if err != nil {
				return err
			}
			return p.add(stated)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// subjectOf is what a figure is of, whatever it says of it.
func subjectOf(key warehouse.ProviderKey) warehouse.ProviderKey {
	key.Quantity, key.Scope, key.Charge, key.Idle = "", "", "", false
	return key
}

// write stores the sums and counts the records by what became of them. Sums that may lack
// a record that was rejected take the place of nothing.
func (p *providerFigures) write(ctx context.Context, store *warehouse.Store, files []File) error {
	figures := make([]warehouse.ProviderFigure, 0, len(p.values))
	for key, value := range p.values {
		figures = append(figures, warehouse.ProviderFigure{ProviderKey: key, Value: value})
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = filepath.Base(file.Name)
	}
	write := store.WriteProviderFigures
	if p.report.Rejected > 0 {
		write = store.WriteIncompleteProviderFigures
	}
	result, err := write(ctx, p.source, strings.Join(names, ", "), figures)
	if err != nil {
		return err
	}
	stored := map[warehouse.ProviderKey]bool{}
	for _, i := range result.Stored {
		stored[subjectOf(figures[i].ProviderKey)] = true
	}
	for record, count := range p.records {
		if stored[record] {
			p.report.Stored += count
		} else {
			p.report.Unchanged += count
		}
	}
	if p.report.Rejected > 0 {
		p.noteIncomplete(figures, result)
		return nil
	}
	if result.Gone > 0 {
		p.report.Notes = append(p.report.Notes, fmt.Sprintf("%d figures of an earlier import are of what these files report on, and are not in them. "+
			"They no longer count, and stay as what was stated before. If these files are a part of a delivery, import all its files in one command.", result.Gone))
	}
	return nil
}

// noteIncomplete says what holds where records were rejected.
func (p *providerFigures) noteIncomplete(figures []warehouse.ProviderFigure, result warehouse.ProviderResult) {
	if len(result.Stored) > 0 {
		p.report.Notes = append(p.report.Notes, fmt.Sprintf("%d records were rejected, so the figures that were stored may lack them. "+
			"Correct the records and import the files again: the whole takes the place of what is there now.", p.report.Rejected))
	}
	if len(result.Kept) == 0 && result.Gone == 0 {
		return
	}
	about := ""
	if len(result.Kept) > 0 {
		first := figures[slices.Min(result.Kept)]
		for _, i := range result.Kept {
			if f := figures[i]; f.StatementFrom.Before(first.StatementFrom) || f.StatementFrom.Equal(first.StatementFrom) && f.Account < first.Account {
				first = f
			}
		}
		about = fmt.Sprintf(", the first of account %q from %s to %s", first.Account, first.StatementFrom.Format(time.DateOnly), first.StatementTo.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	p.report.Notes = append(p.report.Notes, fmt.Sprintf("%d records were rejected, so what an earlier import stated of the same accounts and times still counts: "+
		"%d figures that say otherwise were not stored%s, and %d that these files do not repeat stay in force. Correct the records and import the files again.",
		p.report.Rejected, len(result.Kept), about, result.Gone))
}

// monthStart is the first day of the UTC month that t lies in.
func monthStart(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

func dayStart(t time.Time) time.Time {
	year, month, day := t.UTC().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// wholeMonth makes a month a provider's statement and what it is of.
func wholeMonth(key *warehouse.ProviderKey, month time.Time) {
	key.Month, key.StatementFrom, key.StatementTo = month, month, month.AddDate(0, 1, 0)
}

// instant reads a column as a time, or as a day, in UTC where it names no zone.
func (r record) instant(column string) (time.Time, error) {
	text, err := r.required(column)
	if err != nil {
		return time.Time{}, err
	}
	t, err := parseInstant(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s %w", column, err)
	}
	return t, nil
}

func parseInstant(text string) (time.Time, error) {
	trimmed := strings.TrimSpace(strings.TrimSuffix(text, "UTC"))
	for _, layout := range append(timeLayouts, time.DateOnly) {
		if t, err := time.Parse(layout, trimmed); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write it as 2026-01-31T12:00:00Z", excerpt([]byte(text)))
}

// checkPast refuses a month that has not begun: it is a figure of what was.
func checkPast(month, now time.Time) error {
	if month.After(now.Add(24 * time.Hour)) {
		return fmt.Errorf("month %s is in the future: these are figures of what was", month.Format("2006-01"))
	}
	return nil
}

// cloudOf is how the regions call a provider.
func cloudOf(provider string) string {
	name := strings.ToLower(strings.TrimSpace(provider))
	for _, known := range []struct{ part, cloud string }{
		{"amazon", "aws"}, {"aws", "aws"}, {"google", "gcp"}, {"gcp", "gcp"}, {"microsoft", "azure"}, {"azure", "azure"}, {"alibaba", "alibaba"}, {"oracle", "oci"},
	} {
		if strings.Contains(name, known.part) {
			return known.cloud
		}
	}
	return name
}
