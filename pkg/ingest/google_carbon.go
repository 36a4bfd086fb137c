package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// googleColumns are the names that have no record around them; googleField finds the
// others.
var googleColumns = columns{required: []string{"usage_month", "billing_account_id", "carbon_model_version"}}

// googleEmissions are the fields of Google's export in kg CO2e, and what they are of.
var googleEmissions = []struct {
	path     string
	quantity kpi.ProviderQuantity
	scope    kpi.Scope
}{
	{"carbon_footprint_total_kgCO2e.location_based", kpi.ProviderCarbonLocation, kpi.ScopeTotal},
	{"carbon_footprint_total_kgCO2e.market_based", kpi.ProviderCarbonMarket, kpi.ScopeTotal},
	{"carbon_footprint_kgCO2e.scope1", kpi.ProviderCarbon, kpi.Scope1},
	{"carbon_footprint_kgCO2e.scope2.location_based", kpi.ProviderCarbonLocation, kpi.Scope2},
	{"carbon_footprint_kgCO2e.scope2.market_based", kpi.ProviderCarbonMarket, kpi.Scope2},
	{"carbon_footprint_kgCO2e.scope3", kpi.ProviderCarbon, kpi.Scope3},
}

// GoogleCarbon imports what Google Carbon Footprint exports to BigQuery, in kg CO2e by
// month: lines of JSON as BigQuery extracts the table, or CSV with its nested columns
// flattened (project.id or project_id). Location- and market-based figures stay apart,
// and so do versions of the carbon model. Figures after offsets are not read: Google
// has withdrawn them.
func GoogleCarbon(ctx context.Context, store *warehouse.Store, files []File, mapping ProviderMapping, now time.Time) (Report, error) {
	var report Report
	figures := newProviderFigures(kpi.ProviderGoogle, &report)
	for _, file := range files {
		if err := figures.fromGoogle(ctx, file, mapping, now); err != nil {
			return report, err
		}
	}
	return report, figures.write(ctx, store, files)
}

func (p *providerFigures) fromGoogle(ctx context.Context, file File, mapping ProviderMapping, now time.Time) error {
	buffered := bufio.NewReader(file.Reader)
	file.Reader = buffered
	read := p.report.eachGoogleRecord
	if beginsWithBrace(buffered) {
		read = p.report.eachGoogleLine
	}
	return read(ctx, file, func(row googleRow) error {
		stated, err := parseGoogleCarbon(row, mapping, now)
		if err != nil {
			return err
		}
		return p.add(stated)
	})
}

// googleRow gives a field of a row by its path; empty where it has none.
type googleRow func(path string) string

// beginsWithBrace says whether lines of JSON follow.
func beginsWithBrace(reader *bufio.Reader) bool {
	for ahead := 1; ahead <= reader.Size(); ahead++ {
		text, err := reader.Peek(ahead)
		if err != nil {
			return false
		}
		if c := text[ahead-1]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c == '{'
		}
	}
	return false
}

func (r *Report) eachGoogleRecord(ctx context.Context, file File, take func(googleRow) error) error {
	return r.eachRecord(ctx, file, googleColumns, func(rec record) error {
		flat := func(path string) string { return strings.ReplaceAll(path, ".", "_") }
		for _, path := range []string{googleEmissions[0].path, googleEmissions[1].path} {
			if !rec.header.has(path) && !rec.header.has(flat(path)) {
				return fatal(fmt.Errorf("%s: the column %q (or %q) is missing; the file has %s", file.Name, path, flat(path), describeColumns(rec.header.names)))
			}
		}
		return take(func(path string) string { return orElse(rec.text(path), rec.text(flat(path))) })
	})
}

// eachGoogleLine reads a JSON object a line.
func (r *Report) eachGoogleLine(ctx context.Context, file File, take func(googleRow) error) error {
	lines := newLineReader(file.Reader)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		l, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", file.Name, err)
		}
		if len(bytes.TrimSpace(l.text)) == 0 && !l.tooLong {
			continue
		}
		r.Read++
		row, reason := googleObject(l)
		if reason == nil {
			reason = take(row)
		}
		var fatal *fatalError
		if errors.As(reason, &fatal) {
			return fatal.cause
		}
		if reason != nil {
			if err := r.reject(file, l.number, reason, strings.ToValidUTF8(string(l.text), "?")); err != nil {
				return err
			}
		}
	}
}

func googleObject(l line) (googleRow, error) {
	if l.tooLong {
		return nil, fmt.Errorf("the line is longer than %d bytes", longestLine)
	}
	decoder := json.NewDecoder(bytes.NewReader(l.text))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return nil, fmt.Errorf("it is not a JSON object: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("it is more than one JSON object")
	}
	return func(path string) string { return textAt(object, strings.Split(path, ".")) }, nil
}

// textAt is a text or a number in nested objects: BigQuery writes whole numbers as texts.
func textAt(object map[string]any, path []string) string {
	switch value := object[path[0]].(type) {
	case map[string]any:
		if len(path) > 1 {
			return textAt(value, path[1:])
		}
	case string:
		if len(path) == 1 {
			return strings.TrimSpace(value)
		}
	case json.Number:
		if len(path) == 1 {
			return value.String()
		}
	}
	return ""
}

func parseGoogleCarbon(row googleRow, mapping ProviderMapping, now time.Time) ([]warehouse.ProviderFigure, error) {
	text := row("usage_month")
	month, err := time.Parse(time.DateOnly, text)
	if err != nil || month.Day() != 1 {
		return nil, fmt.Errorf("usage_month %q is not a month: BigQuery writes it as 2026-01-01", excerpt([]byte(text)))
	}
	if err := checkPast(month, now); err != nil {
		return nil, err
	}
	key := warehouse.ProviderKey{Cloud: "gcp", ModelVersion: row("carbon_model_version"), Account: row("billing_account_id"),
		Service: orElse(row("service.description"), row("service.id")), Region: orElse(row("location.region"), row("location.location"))}
	for name, value := range map[string]string{"carbon_model_version": key.ModelVersion, "billing_account_id": key.Account} {
		if value == "" {
			return nil, fmt.Errorf("%s is empty", name)
		}
	}
	wholeMonth(&key, month)
	key.Project = mapping.project(nil, orElse(row("project.id"), row("project.number")), key.Account)
	var figures []warehouse.ProviderFigure
	for _, e := range googleEmissions {
		text := row(e.path)
		if text == "" {
			continue
		}
		value, err := positive(e.path, text, microgramsInKilogram)
		if err != nil {
			return nil, err
		}
		key.Quantity, key.Scope = e.quantity, e.scope
		figures = append(figures, warehouse.ProviderFigure{ProviderKey: key, Value: value})
	}
	if len(figures) == 0 || figures[0].Scope != kpi.ScopeTotal {
		return nil, errors.New("it states no total: carbon_footprint_total_kgCO2e has neither location_based nor market_based")
	}
	return figures, nil
}
