package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// The columns of the table CARBON_EMISSIONS (AWS Data Exports). The scopes came with
// the methodology v3.0.0.
var awsCarbonColumns = columns{
	required: []string{"model_version", "usage_account_id", "usage_period_start", "usage_period_end", "total_mbm_emissions_value", "total_mbm_emissions_unit"},
	optional: []string{"total_lbm_emissions_value", "total_lbm_emissions_unit", "location", "region_code", "product_code", "payer_account_id", "last_refresh_timestamp",
		"total_scope_1_emissions_value", "total_scope_1_emissions_unit", "total_scope_2_lbm_emissions_value", "total_scope_2_lbm_emissions_unit",
		"total_scope_2_mbm_emissions_value", "total_scope_2_mbm_emissions_unit", "total_scope_3_lbm_emissions_value", "total_scope_3_lbm_emissions_unit",
		"total_scope_3_mbm_emissions_value", "total_scope_3_mbm_emissions_unit"},
}

// awsEmissions are the pairs of a value and its unit, and what they are of.
var awsEmissions = []struct {
	name     string
	quantity kpi.ProviderQuantity
	scope    kpi.Scope
}{
	{"total_lbm_emissions", kpi.ProviderCarbonLocation, kpi.ScopeTotal},
	{"total_mbm_emissions", kpi.ProviderCarbonMarket, kpi.ScopeTotal},
	{"total_scope_1_emissions", kpi.ProviderCarbon, kpi.Scope1},
	{"total_scope_2_lbm_emissions", kpi.ProviderCarbonLocation, kpi.Scope2},
	{"total_scope_2_mbm_emissions", kpi.ProviderCarbonMarket, kpi.Scope2},
	{"total_scope_3_lbm_emissions", kpi.ProviderCarbonLocation, kpi.Scope3},
	{"total_scope_3_mbm_emissions", kpi.ProviderCarbonMarket, kpi.Scope3},
}

// AWSCarbon imports AWS' data export CARBON_EMISSIONS, as CSV. Each value is in the unit
// that the column beside it names, which must be MTCO2e: metric tons of CO2e. AWS
// delivers a new version of its method beside the old one for some months: both are
// kept, and never added.
func AWSCarbon(ctx context.Context, store *warehouse.Store, files []File, mapping ProviderMapping, now time.Time) (Report, error) {
	var report Report
	figures := newProviderFigures(kpi.ProviderAWS, &report)
	err := figures.fromRecords(ctx, files, awsCarbonColumns, func(rec record) ([]warehouse.ProviderFigure, error) { return parseAWSCarbon(rec, mapping, now) })
	if err != nil {
		return report, err
	}
	return report, figures.write(ctx, store, files)
}

func parseAWSCarbon(rec record, mapping ProviderMapping, now time.Time) ([]warehouse.ProviderFigure, error) {
	key := warehouse.ProviderKey{Cloud: "aws", Service: rec.text("product_code"), Region: orElse(rec.text("region_code"), strings.ToLower(rec.text("location")))}
	var err error
	if key.ModelVersion, err = rec.required("model_version"); err != nil {
		return nil, err
	}
	if key.Account, err = rec.required("usage_account_id"); err != nil {
		return nil, err
	}
	from, err := rec.instant("usage_period_start")
	if err != nil {
		return nil, err
	}
	to, err := rec.instant("usage_period_end")
	if err != nil {
		return nil, err
	}
	wholeMonth(&key, monthStart(from))
	if to.Before(from) || to.After(key.StatementTo) {
		return nil, fmt.Errorf("its period from %s to %s is not within a month", from.Format(time.DateOnly), to.Format(time.DateOnly))
	}
	if err := checkPast(key.Month, now); err != nil {
		return nil, err
	}
	key.Project = mapping.project(nil, "", key.Account)
	var figures []warehouse.ProviderFigure
	for _, e := range awsEmissions {
		text := rec.text(e.name + "_value")
		if text == "" {
			continue
		}
		if unit := rec.text(e.name + "_unit"); !strings.EqualFold(unit, "MTCO2e") {
			return nil, fmt.Errorf("%s_unit is %q, and the one unit known is MTCO2e, metric tons of CO2e", e.name, excerpt([]byte(unit)))
		}
		value, err := positive(e.name+"_value", text, microgramsInTonne)
		if err != nil {
			return nil, err
		}
		key.Quantity, key.Scope = e.quantity, e.scope
		figures = append(figures, warehouse.ProviderFigure{ProviderKey: key, Value: value})
	}
	if len(figures) == 0 {
		return nil, errors.New("it states no emissions: total_lbm_emissions_value and total_mbm_emissions_value are empty")
	}
	return figures, nil
}
