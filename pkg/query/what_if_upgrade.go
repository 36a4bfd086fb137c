package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// countInService counts the assets that do work at the end of a span, by
// accelerator.
func countInService(assets []warehouse.Asset, span kpi.Span) map[string]int {
	counts := map[string]int{}
	for _, asset := range assets {
		if stage, there := lifecycleAsset(asset).Life.StageBefore(span.To); there && stage.InService() {
			counts[asset.Accelerator]++
		}
	}
	return counts
}

// gpuUpgrade replaces GPUs. Which energy they draw no fact says, so their share of
// the GPUs in service stands for their share of the energy.
func (b whatIfBasis) gpuUpgrade(s scenario) (outcome, error) {
	if err := b.refuseAccelerator(s); err != nil {
		return outcome{}, err
	}
	all, replaced, share := 0, b.inService[s.from], 1.0
	for _, count := range b.inService {
		all += count
	}
	if s.from == "" {
		replaced = all
	} else if all > 0 {
		share = float64(replaced) / float64(all)
	}
	before := b.work(everything).footprint.Times(share)
	o := outcome{saving: before.Minus(before.ReducedBy(s.percent)), assumption: s.describeUpgrade(replaced, all)}
	if s.from != "" && replaced == 0 {
		o.saving = kpi.Footprint{}
		o.notices = append(o.notices, s.nothingToChange("no "+s.from+" is in service"))
	}
	units := s.units
	if units == nil && replaced > 0 {
		units = number(replaced)
	}
	if units == nil && s.from == "" {
		o.notices = append(o.notices, warning(s.name+": no hardware is in service to count, so the investment is left empty. "+
			"State units, or bring the inventory in with: wattctl import hardware FILE"))
	}
	if s.unitCost == nil {
		o.notices = append(o.notices, warning(s.name+": without a price the investment, its payback and its net present value are left empty. State unitCostUsd."))
	}
	if units == nil {
		return o, nil
	}
	if s.unitCost != nil {
		o.investment = new(kpi.USD(*units * *s.unitCost))
	}
	index := slices.IndexFunc(b.accelerators, func(a warehouse.Accelerator) bool { return a.Name == s.to })
	if index >= 0 {
		o.embodied = new(kpi.KilogramsCO2e(*units) * b.accelerators[index].EmbodiedKilograms)
		return o, nil
	}
	o.notices = append(o.notices, information(fmt.Sprintf("%s: the embodied carbon of %s is not known, so the carbon payback is left empty. It is known of %s: choose one as toAccelerator.",
		s.name, orAll(s.to, "the new GPUs"), listNames(b.acceleratorNames()))))
	return o, nil
}

// refuseAccelerator is the error for an accelerator that nobody has and nobody
// has heard of.
func (b whatIfBasis) refuseAccelerator(s scenario) error {
	known := b.acceleratorNames()
	for name := range b.inService {
		known = append(known, name)
	}
	if s.from == "" || slices.Contains(known, s.from) {
		return nil
	}
	slices.Sort(known)
	return BadRequest("%s: there is no accelerator %q for fromAccelerator. Choose one of %s.", s.label, s.from, strings.Join(slices.Compact(known), ", "))
}

func (b whatIfBasis) acceleratorNames() []string {
	names := make([]string, len(b.accelerators))
	for i, accelerator := range b.accelerators {
		names[i] = accelerator.Name
	}
	return names
}

func (s scenario) describeUpgrade(replaced, all int) string {
	bought := fmt.Sprint(replaced)
	if s.units != nil {
		bought = fmt.Sprintf("%g", *s.units)
	} else if replaced == 0 {
		bought = "The"
	}
	cost := ""
	if s.unitCost != nil {
		cost = fmt.Sprintf(" at %.0f USD each", *s.unitCost)
	}
	part := "all the energy"
	if s.from != "" && all > 0 {
		part = fmt.Sprintf("%.3g %% of the energy, as they are %d of the %d GPUs in service", 100*float64(replaced)/float64(all), replaced, all)
	}
	return fmt.Sprintf("%s new %s%s do the work of %s with %g %% less energy for %g years; that work is taken to be %s.",
		bought, orAll(s.to, "GPUs"), cost, orAll(s.from, "all GPUs in service"), s.percent, s.lifetime, part)
}
