package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// formulas say what the two sides are.
func (r *reconciler) formulas() []formulaMeta {
	provider := "carbon: the provider's total − its scope 3; cost: Σ effective cost of usage, purchases and adjustments; energy: as stated"
	if r.options.Scopes == "all" {
		provider = "carbon: the provider's total, all scopes; cost: Σ effective cost of usage, purchases and adjustments; energy: as stated"
	}
	return []formulaMeta{
		{"provider_value", provider},
		{"our_value", "Σ over our events in the regions the provider reports on: IT energy × PUE × grid intensity on the same basis, cost, or IT energy × PUE"},
		{"difference", "ours − provider's"},
		{"difference_pct", "(ours − provider's) / provider's"},
		{"coverage", "Σ |provider's| in regions with events of ours in the month / Σ |provider's|"},
		{"idle_value", "Σ effective cost with CommitmentDiscountStatus or CapacityReservationStatus Unused"},
	}
}

// notes say why the two sides of a row may differ though neither is wrong.
func (r *reconciler) notes(row reconciled) string {
	if row.statement.Value == nil {
		return "The provider has not reported on this month."
	}
	var notes []string
	add := func(format string, arguments ...any) { notes = append(notes, fmt.Sprintf(format, arguments...)) }
	s := row.statement
	switch {
	case row.quantity == kpi.ProviderCost:
		if s.Idle != nil && *s.Idle != 0 {
			add("%s of it was paid for and not used", inDollars(*s.Idle))
		}
		if s.Tax != nil && *s.Tax != 0 {
			add("without %s of tax", inDollars(*s.Tax))
		}
		if s.Credits != nil && *s.Credits != 0 {
			add("without credits of %s", inDollars(*s.Credits))
		}
		add("ours is electricity where no event carries a bill")
	case row.quantity == kpi.ProviderEnergy:
		add("its embodied carbon is turned into kWh inside: no metered energy")
	case row.quantity == kpi.ProviderCarbon && row.source == kpi.ProviderCCF:
		add("embodied carbon is inside")
		add("priced by the grid's average, so held against our location-based figure")
	case s.Scope3 != nil && r.options.Scopes == "all":
		add("%s of scope 3 inside", inKilograms(*s.Scope3))
	case s.Scope3 != nil:
		add("without its %s of scope 3", inKilograms(*s.Scope3))
	default:
		add("it does not tell its scopes apart")
	}
	switch row.quantity {
	case kpi.ProviderCost:
	case kpi.ProviderCarbonMarket:
		add("its own PUE and supply contracts")
	default:
		add("its own PUE and grid figures")
	}
	if len(r.options.Services) == 0 && !r.options.ByService {
		add("all services, AI or not")
	}
	text := strings.Join(notes, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func inDollars(value float64) string { return fmt.Sprintf("%.2f USD", value) }

func inKilograms(value float64) string { return fmt.Sprintf("%.4g kgCO₂e", value) }

// listed names the first of some regions.
func listed(regions []string) string {
	const most = 4
	named := make([]string, min(len(regions), most))
	for i := range named {
		if named[i] = regions[i]; named[i] == "" {
			named[i] = "no region"
		}
	}
	text := strings.Join(named, ", ")
	if more := len(regions) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (r *reconciler) notices(rows []reconciled, provenance warehouse.Provenance, zone *time.Location) []data.Notice {
	if len(r.reach) == 0 {
		return []data.Notice{information("There are no figures of a provider with these filters. Import them with: wattctl import google-carbon, aws-carbon, ccf or focus FILE")}
	}
	if len(rows) == 0 {
		return []data.Notice{information("No provider has reported on these months, and no event of ours is in the regions they report on.")}
	}
	notices := r.missing(rows, zone)
	notices = append(notices, r.older()...)
	if r.options.ByService {
		notices = append(notices, information("No event says which of a provider's services it ran on, so ours is empty: leave byService out to compare."))
	}
	if slices.ContainsFunc(rows, func(row reconciled) bool { return !r.complete(row.month) }) {
		notices = append(notices, information("The running month is as far as both sides have it: their difference is not final."))
	}
	if zone != time.UTC && zone.String() != "UTC" {
		notices = append(notices, information(fmt.Sprintf("Our months begin at midnight in %s, a provider's by its own clock: hours at their edges may be in the other month.", zone)))
	}
	if len(r.usage) > 0 {
		notices = append(notices, noticesWithout(reconciliationOmits, r.usage, provenance)...)
	}
	return notices
}

// missing names the months in which a side has nothing.
func (r *reconciler) missing(rows []reconciled, zone *time.Location) []data.Notice {
	providers, ours := map[string][]string{}, map[string][]string{}
	note := func(in map[string][]string, row reconciled) {
		month, label := r.months[row.month].From.In(zone).Format("2006-01"), providerLabels[row.source]
		if !slices.Contains(in[label], month) {
			in[label] = append(in[label], month)
		}
	}
	for _, row := range rows {
		switch {
		case row.statement.Value == nil:
			note(providers, row)
		case row.ours == nil && !r.options.ByService:
			note(ours, row)
		}
	}
	var notices []data.Notice
	for _, source := range kpi.ProviderSources() {
		label := providerLabels[source]
		if months := providers[label]; len(months) > 0 {
			notices = append(notices, information(fmt.Sprintf("%s: nothing is imported of some of what we have in %s.", label, strings.Join(months, ", "))))
		}
		if months := ours[label]; len(months) > 0 {
			notices = append(notices, information(fmt.Sprintf("%s: we have no events, or no factors to price them with, for some of what it states of %s.", label, strings.Join(months, ", "))))
		}
	}
	return notices
}

// older names accounts that the newest version of a method has nothing of: figures of
// two versions are never added.
func (r *reconciler) older() []data.Notice {
	if r.options.Versions == "all" {
		return nil
	}
	var notices []data.Notice
	for _, reach := range r.reach {
		of := teller{reach.Source, reach.Cloud}
		newest := r.newest(of, reach.Month)
		if r.month(reach.Month) < 0 || reach.ModelVersion == newest {
			continue
		}
		var left []string
		for _, account := range reach.Accounts {
			has := func(other warehouse.ProviderReach) bool {
				return other.Source == reach.Source && other.Cloud == reach.Cloud && other.Month.Equal(reach.Month) &&
					other.ModelVersion == newest && slices.Contains(other.Accounts, account)
			}
			if !slices.ContainsFunc(r.reach, has) {
				left = append(left, account)
			}
		}
		if len(left) > 0 {
			notices = append(notices, warning(fmt.Sprintf("%s, %s: figures by version %s hold nothing of %s, which version %s does. Versions are never added: ask for versions all.",
				providerLabels[reach.Source], reach.Month.Format("2006-01"), newest, listed(left), cmp.Or(reach.ModelVersion, "(none)"))))
		}
	}
	return notices
}
