package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// ccfResult is what Cloud Carbon Footprint's API says of a period, without its
// estimates.
type ccfResult struct {
	Timestamp       string `json:"timestamp"`
	PeriodStartDate string `json:"periodStartDate"`
	PeriodEndDate   string `json:"periodEndDate"` // the period's last moment
	GroupBy         string `json:"groupBy"`
}

// ccfEstimate is one of them: a service of an account in a region.
type ccfEstimate struct {
	CloudProvider string      `json:"cloudProvider"`
	AccountID     string      `json:"accountId"`
	AccountName   string      `json:"accountName"`
	ServiceName   string      `json:"serviceName"`
	Region        string      `json:"region"`
	KilowattHours json.Number `json:"kilowattHours"`
	CO2e          json.Number `json:"co2e"` // metric tons
}

// CCFOptions says what the file does not.
type CCFOptions struct {
	ModelVersion string // of Cloud Carbon Footprint; empty: not told
	Mapping      ProviderMapping
}

// CCF imports what Cloud Carbon Footprint answers to GET /api/footprint: estimates in
// metric tons of CO2e, by the grid's average, with embodied carbon inside. Its
// kilowattHours have the embodied carbon inside too, turned into energy by the grid's
// factor: they are kept as what it states, and are never energy that was metered. Its
// cost is in whatever currency the bill has, and is not read: see FOCUS.
func CCF(ctx context.Context, store *warehouse.Store, files []File, options CCFOptions, now time.Time) (Report, error) {
	var report Report
	figures := newProviderFigures(kpi.ProviderCCF, &report)
	for _, file := range files {
		reader := ccfReader{report: &report, figures: figures, file: file, options: options, now: now, stream: newJSONStream(file.Reader)}
		if err := reader.read(ctx); err != nil {
			return report, fmt.Errorf("%s: %w", file.Name, err)
		}
	}
	return report, figures.write(ctx, store, files)
}

type ccfReader struct {
	report  *Report
	figures *providerFigures
	file    File
	options CCFOptions
	now     time.Time
	stream  *jsonStream
}

func (r *ccfReader) read(ctx context.Context) error {
	if err := r.stream.open('[', "the answer of /api/footprint"); err != nil {
		return err
	}
	for i := 0; r.stream.more(); i++ {
		if err := r.result(ctx, i); err != nil {
			return err
		}
	}
	return r.stream.close()
}

// ccfPending is what a result's estimates come to while its period is not known yet,
// which may be written after them.
type ccfPending struct {
	place  int
	sums   map[warehouse.ProviderKey][2]int64 // µg CO2e and nWh
	counts map[warehouse.ProviderKey]int
}

func (r *ccfReader) result(ctx context.Context, place int) error {
	if err := r.stream.open('{', fmt.Sprintf("result %d", place+1)); err != nil {
		return err
	}
	line := r.stream.line()
	var about ccfResult
	pending := ccfPending{place, map[warehouse.ProviderKey][2]int64{}, map[warehouse.ProviderKey]int{}}
	for r.stream.more() {
		name, err := r.stream.key()
		if err != nil {
			return err
		}
		if name == "serviceEstimates" {
			if err := r.estimates(ctx, &pending); err != nil {
				return err
			}
			continue
		}
		raw, err := r.stream.element()
		if err != nil {
			return err
		}
		if field := about.field(name); field != nil {
			*field = textOf(raw)
		}
	}
	if err := r.stream.close(); err != nil {
		return err
	}
	return r.settle(about, pending, line)
}

func (a *ccfResult) field(name string) *string {
	return map[string]*string{"timestamp": &a.Timestamp, "periodStartDate": &a.PeriodStartDate, "periodEndDate": &a.PeriodEndDate, "groupBy": &a.GroupBy}[name]
}

func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

func (r *ccfReader) estimates(ctx context.Context, pending *ccfPending) error {
	if err := r.stream.open('[', "serviceEstimates"); err != nil {
		return err
	}
	for i := 0; r.stream.more(); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := r.stream.element()
		if err != nil {
			return err
		}
		r.report.Read++
		if reason := pending.add(raw, r.options); reason != nil {
			reason = fmt.Errorf("estimate %d of result %d: %w", i+1, pending.place+1, reason)
			if err := r.report.reject(r.file, r.stream.line(), reason, excerpt(raw)); err != nil {
				return err
			}
		}
		if len(pending.sums) > mostProviderFigures {
			return fmt.Errorf("result %d tells more than %d figures apart: ask for fewer accounts at once", pending.place+1, mostProviderFigures)
		}
	}
	return r.stream.close()
}

func (p *ccfPending) add(raw json.RawMessage, options CCFOptions) error {
	var e ccfEstimate
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("it is not an estimate: %w", err)
	}
	if e.CloudProvider == "" || e.ServiceName == "" {
		return errors.New("it names no cloudProvider or no serviceName")
	}
	key := warehouse.ProviderKey{ModelVersion: options.ModelVersion, Cloud: cloudOf(e.CloudProvider), Account: orElse(e.AccountID, e.AccountName),
		Service: e.ServiceName, Region: e.Region}
	key.Project = options.Mapping.project(nil, "", key.Account)
	if e.CO2e == "" {
		return errors.New("co2e is missing")
	}
	carbon, err := positive("co2e", e.CO2e.String(), microgramsInTonne)
	if err != nil {
		return err
	}
	energy := int64(0)
	if e.KilowattHours != "" {
		if energy, err = positive("kilowattHours", e.KilowattHours.String(), nanoWattHoursInKWh); err != nil {
			return err
		}
	}
	sums := p.sums[key]
	for i, value := range []int64{carbon, energy} {
		if sums[i], err = sumOf(sums[i], value); err != nil {
			return err
		}
	}
	p.sums[key] = sums
	p.counts[key]++
	return nil
}

// settle takes a result's sums in, when its period is known.
func (r *ccfReader) settle(about ccfResult, pending ccfPending, line int) error {
	var whole warehouse.ProviderKey
	reason := about.period(&whole)
	if reason == nil {
		reason = checkPast(whole.Month, r.now)
	}
	for subject, sums := range pending.sums {
		key := subject
		key.Month, key.StatementFrom, key.StatementTo, key.Scope = whole.Month, whole.StatementFrom, whole.StatementTo, kpi.ScopeTotal
		carbon, energy := key, key
		carbon.Quantity, energy.Quantity = kpi.ProviderCarbon, kpi.ProviderEnergy
		why := reason
		if why == nil {
			why = r.figures.addMany([]warehouse.ProviderFigure{{ProviderKey: carbon, Value: sums[0]}, {ProviderKey: energy, Value: sums[1]}}, pending.counts[subject])
		}
		var stop *fatalError
		if errors.As(why, &stop) {
			return stop.cause
		}
		if why != nil {
			count := pending.counts[subject]
			why = fmt.Errorf("result %d, and so %d estimates of %s in %q: %w", pending.place+1, count, subject.Service, subject.Region, why)
			r.report.Rejected += count - 1 // reject counts one
			if err := r.report.reject(r.file, line, why, subject.Account); err != nil {
				return err
			}
		}
	}
	return nil
}

// period finds the days a result is of. They must lie in one month: a week may not be
// cut, because what of it is of which month is not told.
func (a ccfResult) period(key *warehouse.ProviderKey) error {
	start, err := parseInstant(orElse(a.PeriodStartDate, a.Timestamp))
	if err != nil {
		return fmt.Errorf("its timestamp %w", err)
	}
	key.Month, key.StatementFrom = monthStart(start), dayStart(start)
	switch {
	case a.GroupBy == "month":
		key.StatementFrom, key.StatementTo = key.Month, key.Month.AddDate(0, 1, 0)
	case a.GroupBy == "day" || a.GroupBy == "" && a.PeriodEndDate == "":
		key.StatementTo = key.StatementFrom.AddDate(0, 0, 1)
	default:
		end, err := parseInstant(a.PeriodEndDate)
		if err != nil {
			return fmt.Errorf("its periodEndDate %w", err)
		}
		key.StatementTo = dayStart(end).AddDate(0, 0, 1)
		if end.Before(start) || key.StatementTo.After(key.Month.AddDate(0, 1, 0)) {
			return fmt.Errorf("its period from %s to %s is not within a month: ask Cloud Carbon Footprint with groupBy=month or groupBy=day",
				start.Format(time.DateOnly), end.Format(time.DateOnly))
		}
	}
	return nil
}
