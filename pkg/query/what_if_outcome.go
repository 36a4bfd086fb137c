package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// whatIfBasis is what a period was like: what scenarios change.
type whatIfBasis struct {
	annual *kpi.Annualisation   // nil: there is nothing to scale
	rows   []warehouse.UsageRow // by region, model and workload
	// serving has the work that answers requests of the models that scenarios
	// swap to, over the whole company.
	serving      map[string]kpi.Measures
	models       map[string]warehouse.PortfolioModel
	factors      map[string]kpi.RegionFactors
	accelerators []warehouse.Accelerator
	inService    map[string]int // GPUs by accelerator
	discountRate float64        // per year
}

// outcome is what a scenario changes in the period, and what a reader must know.
type outcome struct {
	saving     kpi.Footprint
	investment *kpi.USD           // hardware only
	embodied   *kpi.KilogramsCO2e // of the new hardware
	assumption string
	notices    []data.Notice
}

func (b whatIfBasis) outcome(s scenario) (outcome, error) {
	switch s.kind {
	case kindRegionMove:
		return b.regionMove(s)
	case kindModelSwap:
		return b.modelSwap(s)
	case kindGPUUpgrade:
		return b.gpuUpgrade(s)
	case kindPUE:
		return b.changePUE(s)
	}
	before := b.work(everything).footprint
	return outcome{
		saving:     before.Minus(before.ReducedBy(s.percent)),
		assumption: fmt.Sprintf("The same work takes %g %% less energy; places, PUE, prices and grids stay as they are.", s.percent),
	}, nil
}

// work is the sum of the rows that a scenario changes.
type work struct {
	rows      int
	footprint kpi.Footprint
	energy    kpi.KilowattHours // IT
	requests  int64
}

func (b whatIfBasis) work(changed func(region, model string) bool) work {
	return sumWork(b.rows, func(row warehouse.UsageRow) bool { return changed(row.Members[0], row.Members[1]) })
}

func sumWork(rows []warehouse.UsageRow, changed func(warehouse.UsageRow) bool) work {
	total := work{footprint: kpi.NoFootprint()}
	for _, row := range rows {
		if changed(row) {
			total.rows++
			total.footprint = total.footprint.Plus(kpi.FootprintOf(row.Measures))
			total.energy, total.requests = total.energy+row.ITEnergy, total.requests+row.Requests
		}
	}
	return total
}

func everything(string, string) bool { return true }

// refuseRegion is the error for a region that is none; one without factors can
// still be the scene of work.
func (b whatIfBasis) refuseRegion(s scenario, parameter, region string) error {
	used := b.regions()
	if _, known := b.factors[region]; known || region == "" || slices.Contains(used, region) {
		return nil
	}
	if len(used) == 0 {
		return BadRequest("%s: there is no region %q with factors in this period for %s. Choose one from the list.", s.label, region, parameter)
	}
	return BadRequest("%s: there is no region %q with factors in this period for %s. Choose one from the list, for example %s.",
		s.label, region, parameter, listNames(used))
}

// regions lists those with work in the period.
func (b whatIfBasis) regions() []string {
	var regions []string
	for _, row := range b.rows {
		regions = append(regions, row.Members[0])
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

func (b whatIfBasis) regionMove(s scenario) (outcome, error) {
	for _, chosen := range []struct{ parameter, region string }{{"fromRegion", s.from}, {"toRegion", s.to}} {
		if err := b.refuseRegion(s, chosen.parameter, chosen.region); err != nil {
			return outcome{}, err
		}
	}
	from, to := orAll(s.from, "all regions"), b.factors[s.to]
	// Work that is there already stays as it is, and so saves nothing.
	moved := b.work(func(region, _ string) bool { return region != s.to && (s.from == "" || region == s.from) })
	o := outcome{
		saving: moved.footprint.Minus(to.Footprint(moved.energy)),
		assumption: fmt.Sprintf("The work of %s runs in %s with the same IT energy, at its %s; moving, latency and data residency are not counted.",
			from, s.to, describeFactors(to)),
	}
	switch {
	case s.from == s.to, moved.rows == 0 && len(b.rows) > 0 && s.from == "":
		o.saving = kpi.NoFootprint()
		o.assumption = fmt.Sprintf("The work is in %s already, so nothing changes.", s.to)
	case moved.rows == 0:
		o.saving = kpi.Footprint{}
		o.notices = append(o.notices, s.nothingToChange(from+" did no work"))
	default:
		o.notices = append(o.notices, s.missingFactors(to)...)
	}
	return o, nil
}

func describeFactors(f kpi.RegionFactors) string {
	describe := func(value *float64, format, unknown string) string {
		if value == nil {
			return unknown
		}
		return fmt.Sprintf(format, *value)
	}
	return strings.Join([]string{
		describe(f.PUE, "PUE %.3g", "PUE (unknown)"),
		describe(f.ElectricityPrice, "%.3g USD per kWh", "electricity price (unknown)"),
	}, ", ") + " and " + describe(f.GridLocation, "%.3g gCO₂e per kWh", "grid intensity (unknown)")
}

func (s scenario) missingFactors(f kpi.RegionFactors) []data.Notice {
	var missing []string
	for _, factor := range []struct {
		value *float64
		name  string
	}{{f.PUE, "PUE"}, {f.ElectricityPrice, "electricity price"}, {f.GridLocation, "grid carbon intensity"}} {
		if factor.value == nil {
			missing = append(missing, factor.name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []data.Notice{warning(fmt.Sprintf("%s: no %s is known for %s over the whole period, so what depends on it is left empty. "+
		"Import it with: wattctl import factors FILE", s.name, strings.Join(missing, ", no "), s.to))}
}

func (s scenario) nothingToChange(why string) data.Notice {
	return warning(fmt.Sprintf("%s: %s in this period with these filters, so there is nothing to change. Choose another, or clear a filter.", s.name, why))
}

func (b whatIfBasis) modelSwap(s scenario) (outcome, error) {
	for _, chosen := range []struct{ parameter, model string }{{"fromModel", s.from}, {"toModel", s.to}} {
		if _, known := b.models[chosen.model]; !known {
			return outcome{}, BadRequest("%s: there is no model %q for %s. Choose one from the list.", s.label, chosen.model, chosen.parameter)
		}
	}
	// The swap is of requests, not of tokens, because another model answers the
	// same request with another number of them.
	served := sumWork(b.rows, func(row warehouse.UsageRow) bool {
		return row.Members[1] == s.from && (row.ServingRequests > 0 || row.ServingEnergy > 0)
	})
	target := b.serving[s.to]
	own := kpi.EnergyPer1kRequests(served.energy, served.requests)
	other := kpi.EnergyPer1kRequests(target.ServingEnergy, target.ServingRequests)
	o := outcome{
		saving:     served.footprint.Minus(served.footprint.AtIntensity(own, other)),
		assumption: fmt.Sprintf("The requests of %s are served by %s in the same regions.", s.from, s.to),
	}
	switch {
	case s.from == s.to:
		o.saving = kpi.NoFootprint()
		o.assumption = fmt.Sprintf("The requests are served by %s already, so nothing changes.", s.to)
		return o, nil
	case own == nil:
		o.notices = append(o.notices, s.nothingToChange(s.from+" served no requests"))
	case other == nil:
		o.notices = append(o.notices, warning(fmt.Sprintf("%s: %s served no requests in this period, so its energy per request is not known. "+
			"Choose a longer range, or a model that is in use.", s.name, s.to)))
	default:
		o.assumption = fmt.Sprintf("The requests of %s are served by %s in the same regions, at its %.3g kWh per 1k requests instead of %.3g, whatever the number of tokens.",
			s.from, s.to, *other, *own)
	}
	o.notices = append(o.notices, s.compareModels(b.models[s.from], b.models[s.to])...)
	return o, nil
}

// compareModels says where the other model may not do the same work.
func (s scenario) compareModels(from, to warehouse.PortfolioModel) []data.Notice {
	var notices []data.Notice
	if from.TaskClass != to.TaskClass {
		notices = append(notices, warning(fmt.Sprintf("%s: the models are of different task classes, %s and %s. Check that the one can do the other's work.",
			s.name, orAll(from.TaskClass, "none"), orAll(to.TaskClass, "none"))))
	}
	if from.Accuracy == nil || to.Accuracy == nil {
		return notices
	}
	switch {
	case from.AccuracyMetric != to.AccuracyMetric:
		notices = append(notices, information(fmt.Sprintf("%s: the accuracies, %.3g %s and now %.3g %s, are measured differently and cannot be compared.",
			s.name, *to.Accuracy, to.AccuracyMetric, *from.Accuracy, from.AccuracyMetric)))
	case *to.Accuracy < *from.Accuracy:
		notices = append(notices, warning(fmt.Sprintf("%s: %s falls from %.3g to %.3g.", s.name, orAll(to.AccuracyMetric, "accuracy"), *from.Accuracy, *to.Accuracy)))
	}
	return notices
}

func (b whatIfBasis) changePUE(s scenario) (outcome, error) {
	if err := b.refuseRegion(s, "fromRegion", s.from); err != nil {
		return outcome{}, err
	}
	changed := b.work(func(region, _ string) bool { return s.from == "" || region == s.from })
	o := outcome{saving: kpi.NoFootprint()}
	for _, region := range b.regions() {
		if s.from == "" || region == s.from {
			within := b.work(func(r, _ string) bool { return r == region })
			o.saving = o.saving.Plus(within.footprint.Minus(within.footprint.AtPUE(within.energy, s.pue)))
		}
	}
	where := orAll(s.from, "every region")
	o.assumption = fmt.Sprintf("The PUE of %s becomes %g; IT energy, prices and grids stay as they are.", where, s.pue)
	if changed.footprint.FacilityEnergy != nil && changed.energy > 0 {
		o.assumption = fmt.Sprintf("The PUE of %s becomes %g instead of %.3g; IT energy, prices and grids stay as they are.",
			where, s.pue, float64(*changed.footprint.FacilityEnergy/changed.energy))
	}
	if changed.rows == 0 {
		o.saving = kpi.Footprint{}
		o.notices = append(o.notices, s.nothingToChange(where+" did no work"))
	}
	return o, nil
}
