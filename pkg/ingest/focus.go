package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// The columns of FOCUS 1.0 to 1.2 that matter here; 1.3 calls the provider otherwise.
var focusColumns = columns{
	required: []string{"EffectiveCost", "BillingCurrency", "BillingPeriodStart", "ChargeCategory", "ChargePeriodStart", "ServiceName"},
	optional: []string{"BillingAccountId", "BillingPeriodEnd", "CapacityReservationStatus", "CommitmentDiscountStatus", "ProviderName", "RegionId",
		"ServiceProviderName", "SubAccountId", "Tags"},
}

var focusCharges = map[string]kpi.Charge{
	"usage": kpi.ChargeUsage, "purchase": kpi.ChargePurchase, "tax": kpi.ChargeTax, "credit": kpi.ChargeCredit, "adjustment": kpi.ChargeAdjustment,
}

// FOCUS imports bills in the FinOps Foundation's format, a charge a record, added up by
// month, account, service, region and project. The cost is EffectiveCost: a commitment
// that was paid up front is spread over what it covers. BilledCost would put it all on
// the day of the invoice, and nothing on the months that use it. What of a commitment
// nobody used (CommitmentDiscountStatus Unused) is idle cost.
func FOCUS(ctx context.Context, store *warehouse.Store, files []File, mapping ProviderMapping, now time.Time) (Report, error) {
	var report Report
	figures := newProviderFigures(kpi.ProviderFOCUS, &report)
	err := figures.fromRecords(ctx, files, focusColumns, func(rec record) ([]warehouse.ProviderFigure, error) {
		charge, err := parseFOCUS(rec, mapping, now)
		return []warehouse.ProviderFigure{charge}, err
	})
	if err != nil {
		return report, err
	}
	return report, figures.write(ctx, store, files)
}

func parseFOCUS(rec record, mapping ProviderMapping, now time.Time) (warehouse.ProviderFigure, error) {
	key := warehouse.ProviderKey{Quantity: kpi.ProviderCost, Scope: kpi.ScopeTotal, Region: rec.text("RegionId"),
		Cloud: cloudOf(orElse(rec.text("ProviderName"), rec.text("ServiceProviderName"))), Account: orElse(rec.text("SubAccountId"), rec.text("BillingAccountId"))}
	none := warehouse.ProviderFigure{}
	if currency := rec.text("BillingCurrency"); currency != "USD" {
		return none, fmt.Errorf("BillingCurrency is %q: costs here are in USD, and no exchange rates are kept. Have the bill exported in USD, or convert EffectiveCost "+
			"at the rate of your accounts and write USD", excerpt([]byte(currency)))
	}
	var err error
	if key.Service, err = rec.required("ServiceName"); err != nil {
		return none, err
	}
	category := rec.text("ChargeCategory")
	known := false
	if key.Charge, known = focusCharges[strings.ToLower(category)]; !known {
		return none, fmt.Errorf("ChargeCategory %q is not Usage, Purchase, Tax, Credit or Adjustment", excerpt([]byte(category)))
	}
	if err := focusTimes(rec, &key); err != nil {
		return none, err
	}
	if err := checkPast(key.Month, now); err != nil {
		return none, err
	}
	tags, err := focusTags(rec.text("Tags"))
	if err != nil {
		return none, err
	}
	key.Idle = strings.EqualFold(rec.text("CommitmentDiscountStatus"), "Unused") || strings.EqualFold(rec.text("CapacityReservationStatus"), "Unused")
	if key.Project = mapping.project(tags, "", key.Account); key.Project == "" {
		key.BusinessUnit = mapping.unit(tags)
	}
	text, err := rec.required("EffectiveCost")
	if err != nil {
		return none, err
	}
	value, err := fixedPoint(text, nanoDollarsInUSDollar)
	if err != nil {
		return none, fmt.Errorf("EffectiveCost %w", err)
	}
	return warehouse.ProviderFigure{ProviderKey: key, Value: value}, nil
}

// focusTimes reads when the charge is of, and the bill it is in: a correction of last
// month is in this month's bill, and must not take the place of last month's.
func focusTimes(rec record, key *warehouse.ProviderKey) error {
	charged, err := rec.instant("ChargePeriodStart")
	if err != nil {
		return err
	}
	billed, err := rec.instant("BillingPeriodStart")
	if err != nil {
		return err
	}
	key.Month, key.StatementFrom = monthStart(charged), dayStart(billed)
	key.StatementTo = key.StatementFrom.AddDate(0, 1, 0)
	if rec.text("BillingPeriodEnd") == "" {
		return nil
	}
	until, err := rec.instant("BillingPeriodEnd")
	if err != nil {
		return err
	}
	key.StatementTo = dayStart(until)
	return nil
}

// focusTags reads the column Tags: a JSON object of texts. A tag without a value is
// written as true, and null is none.
func focusTags(text string) (map[string]string, error) {
	if text == "" || text == "{}" || strings.EqualFold(text, "null") {
		return nil, nil
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("Tags %q is not a JSON object of tags", excerpt([]byte(text)))
	}
	tags := make(map[string]string, len(values))
	for name, value := range values {
		if value, ok := value.(string); ok {
			tags[name] = strings.TrimSpace(value)
		}
	}
	return tags, nil
}
