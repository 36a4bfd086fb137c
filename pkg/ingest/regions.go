package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// FactorsReport is a Report of factors and where they went.
type FactorsReport struct {
	Report
	Version int
	// InForce is false when the factors wait in a version of their own, because
	// they would change published numbers.
	InForce bool
}

// Factors imports figures by region, from a file of one of two shapes that its
// header tells apart: Google's region-carbon-info as it is (see googleFactors),
// or our own (see ownFactors). year is of Google's figures; 0 takes it from the
// file's name.
func Factors(ctx context.Context, store *warehouse.Store, file File, year int) (FactorsReport, error) {
	buffered := bufio.NewReaderSize(file.Reader, 64<<10)
	file.Reader = buffered
	beginning, err := buffered.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return FactorsReport{}, fmt.Errorf("reading %s: %w", file.Name, err)
	}
	header, _, _ := strings.Cut(strings.TrimSpace(string(beginning)), "\n")
	if strings.Contains(fold(header), googleRegion) {
		return googleFactors(ctx, store, file, header, year)
	}
	return ownFactors(ctx, store, file)
}

const (
	googleRegion   = "google cloud region"
	googleLocation = "location"
	googleCFE      = "google cfe"
	// Until 2021 the figures covered the life cycle; now they are of operation.
	googleIntensity          = "grid carbon intensity (gco2eq / kwh)"
	googleLifecycleIntensity = "lifecycle grid carbon intensity (gco2eq / kwh)"
)

var fourDigits = regexp.MustCompile(`(?:^|\D)(20\d\d)(?:\D|$)`)

// googleFactors imports a file of GoogleCloudPlatform/region-carbon-info: the
// grid's carbon intensity (g CO2e/kWh), and Google's share of carbon-free energy,
// each valid from the first day of the file's year. A region that is new is made,
// without a country; one that is known keeps its own.
func googleFactors(ctx context.Context, store *warehouse.Store, file File, header string, year int) (FactorsReport, error) {
	if year == 0 {
		digits := fourDigits.FindStringSubmatch(file.Name)
		if digits == nil {
			return FactorsReport{}, optionError("%s: neither the file nor its name says which year its figures are of: pass it with --year", file.Name)
		}
		year, _ = strconv.Atoi(digits[1])
	}
	intensity, boundary := googleIntensity, "operation of the power plants"
	if strings.Contains(fold(header), googleLifecycleIntensity) {
		intensity, boundary = googleLifecycleIntensity, "life cycle of generation"
	}
	known, err := regionCodes(ctx, store)
	if err != nil {
		return FactorsReport{}, err
	}
	var fresh []warehouse.Region
	parse := func(rec record) ([]warehouse.Factor, error) {
		factors, region, err := parseGoogleRecord(rec, intensity, boundary, year)
		if err == nil && !known[region.Code] {
			known[region.Code] = true
			fresh = append(fresh, region)
		}
		return factors, err
	}
	write := func(factors []warehouse.Factor) (warehouse.FactorResult, error) {
		if _, err := store.UpsertRegions(ctx, fresh); err != nil {
			return warehouse.FactorResult{}, err
		}
		return store.WriteFactors(ctx, file.Name, factors)
	}
	wanted := columns{required: []string{googleRegion, intensity}, optional: []string{googleLocation, googleCFE}}
	report, err := importFactors(ctx, file, wanted, parse, write)
	if len(fresh) > 0 {
		names := make([]string, len(fresh))
		for i, region := range fresh {
			names[i] = region.Code
		}
		report.Notes = append(report.Notes, fmt.Sprintf("New regions: %s. They have no PUE and no electricity price yet: import them with wattctl import factors.",
			strings.Join(names, ", ")))
	}
	return report, err
}

func parseGoogleRecord(rec record, intensity, boundary string, year int) ([]warehouse.Factor, warehouse.Region, error) {
	region := warehouse.Region{Cloud: "gcp", Location: rec.text(googleLocation)}
	code, err := rec.required(googleRegion)
	if err != nil {
		return nil, region, err
	}
	region.Code = code
	if len(code) > longestName {
		return nil, region, fmt.Errorf("the region %q is longer than %d bytes", excerpt([]byte(code)), longestName)
	}
	if region.Location == "N/A" || len(region.Location) > longestName {
		region.Location = ""
	}
	factor := warehouse.Factor{Region: code, Quantity: warehouse.FactorGridLocation, ValidFrom: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC),
		Source: fmt.Sprintf("Google Cloud region-carbon-info %d (Apache-2.0)", year), SourceYear: year, Method: "average of the grid", Boundary: boundary}
	if factor.Value, err = rec.amount(intensity); err != nil {
		return nil, region, err
	}
	share, err := rec.optionalAmount(googleCFE)
	switch {
	case err != nil:
		return nil, region, err
	case share == nil: // Google does not publish it everywhere
		return []warehouse.Factor{factor}, region, nil
	case *share > 1:
		return nil, region, fmt.Errorf("%s %g is more than 1", googleCFE, *share)
	}
	carbonFree := factor
	carbonFree.Quantity, carbonFree.Value = warehouse.FactorCarbonFreeShare, *share
	carbonFree.Method, carbonFree.Boundary = "hourly share of carbon-free energy, contracts included", "electricity consumed in the region"
	return []warehouse.Factor{factor, carbonFree}, region, nil
}

var ownFactorColumns = columns{
	required: []string{"region", "quantity", "valid_from", "value", "source", "source_year"},
	optional: []string{"method", "boundary"},
}

// ownFactors imports our own shape, a figure a record:
//
//	region,quantity,valid_from,value,source,source_year,method,boundary
//
// The quantities and their units are those of warehouse.FactorQuantity; method
// and boundary may be left out.
func ownFactors(ctx context.Context, store *warehouse.Store, file File) (FactorsReport, error) {
	return importFactors(ctx, file, ownFactorColumns, parseOwnFactor, func(factors []warehouse.Factor) (warehouse.FactorResult, error) {
		return store.WriteFactors(ctx, file.Name, factors)
	})
}

func parseOwnFactor(rec record) ([]warehouse.Factor, error) {
	factor := warehouse.Factor{Region: rec.text("region"), Quantity: warehouse.FactorQuantity(rec.text("quantity")),
		Source: rec.text("source"), Method: rec.text("method"), Boundary: rec.text("boundary")}
	if !slices.Contains(warehouse.FactorQuantities(), factor.Quantity) {
		return nil, fmt.Errorf("unknown quantity %q: it must be one of %v", factor.Quantity, warehouse.FactorQuantities())
	}
	var err error
	if factor.ValidFrom, err = rec.day("valid_from"); err != nil {
		return nil, err
	}
	if factor.Value, err = rec.amount("value"); err != nil {
		return nil, err
	}
	year, err := rec.count("source_year")
	if err == nil && year > 9999 {
		err = fmt.Errorf("source_year %d is not a year", year)
	}
	factor.SourceYear = int(year)
	return []warehouse.Factor{factor}, err
}

func importFactors(ctx context.Context, file File, wanted columns, parse func(record) ([]warehouse.Factor, error),
	write func([]warehouse.Factor) (warehouse.FactorResult, error)) (FactorsReport, error) {
	var report FactorsReport
	all, err := readTable(ctx, &report.Report, file, wanted, parse)
	if err != nil {
		return report, err
	}
	result, err := write(all.items)
	if err != nil {
		return report, err
	}
	report.Version, report.InForce = result.Version, result.InForce
	return report, all.settle(&report.Report, file, result.WriteResult)
}
