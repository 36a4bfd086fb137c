package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// FacilityReport is what an import of a facility's readings did.
type FacilityReport struct {
	Report
	Region  string
	Metered []warehouse.MeteredDay // days that have a new or another PUE
	Short   []warehouse.MeteredDay // days that are over and have too few readings
	Factors warehouse.FactorResult // of the last page that changed one
	// StandsAlone says that the version that waits holds nothing besides metered PUE.
	StandsAlone bool

	chosen bool // Region was, and does not depend on what is read
}

// mostPage is how much of an answer, or of a file, is held.
const mostPage = 16 << 20

// FacilityFile imports a file that holds what a gateway answers, one page of it. region
// goes before the region that the file says.
func FacilityFile(ctx context.Context, store *warehouse.Store, file File, region string, now time.Time) (FacilityReport, error) {
	report := FacilityReport{Region: region, chosen: region != ""}
	body, err := io.ReadAll(io.LimitReader(file.Reader, mostPage+1))
	if err != nil {
		return report, fmt.Errorf("reading %s: %w", file.Name, err)
	}
	if len(body) > mostPage {
		return report, fmt.Errorf("%s is longer than %d MiB: split it", file.Name, mostPage>>20)
	}
	page, err := parseFacilityPage(body)
	if err != nil {
		return report, fmt.Errorf("%s: %w", file.Name, err)
	}
	if err := report.take(ctx, store, file, page, now); err != nil {
		return report, err
	}
	if page.Next != "" {
		report.Notes = append(report.Notes, file.Name+" is one page of several (next): only this one was read.")
	}
	return report, nil
}

// take stores the readings of a page.
func (r *FacilityReport) take(ctx context.Context, store *warehouse.Store, file File, page facilityPage, now time.Time) error {
	switch {
	case r.Region == "" && page.Region == "":
		return &OptionError{"neither the readings nor --region say which region the facility is in"}
	case r.Region == "":
		r.Region = page.Region
	case !r.chosen && page.Region != r.Region:
		return fmt.Errorf("a page is of the region %q and the one before of %q: name the region with --region", excerpt([]byte(page.Region)), r.Region)
	}
	sourceName := orElse(strings.TrimSpace(page.Source), file.Name)
	var readings []warehouse.FacilityReading
	var sources []source
	for _, raw := range page.Readings {
		r.Read++
		from := source{r.Read, string(bytes.TrimSpace(raw))}
		reading, err := parseFacilityReading(raw, sourceName)
		if err != nil {
			if err := r.reject(file, from.line, err, excerpt([]byte(from.raw))); err != nil {
				return err
			}
			continue
		}
		readings, sources = append(readings, reading), append(sources, from)
	}
	result, err := store.WriteFacilityReadings(ctx, r.Region, readings, now)
	if err != nil {
		return err
	}
	r.Stored += result.Stored
	r.Unchanged += result.Unchanged
	for _, rejection := range result.Rejected {
		from := sources[rejection.Index]
		if err := r.reject(file, from.line, rejection.Reason, from.raw); err != nil {
			return err
		}
	}
	r.note(result)
	return nil
}

// note keeps what the last page says of each day.
func (r *FacilityReport) note(result warehouse.FacilityResult) {
	r.Short = result.Short // of all days that are looked at again with each page
	for _, day := range result.Metered {
		r.Metered = slices.DeleteFunc(r.Metered, func(d warehouse.MeteredDay) bool { return d.Day.Equal(day.Day) })
		r.Metered = append(r.Metered, day)
	}
	if len(result.Metered) > 0 {
		r.Factors, r.StandsAlone = result.Factors, result.StandsAlone
	}
}
