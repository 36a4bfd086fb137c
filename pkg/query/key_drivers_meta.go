package query

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func noticesOnChange(measure kpi.ChangeMeasure, p plan, current, previous []warehouse.UsageRow,
	change *kpi.ChangeDecomposition, provenance warehouse.Provenance) []data.Notice {
	switch {
	case !p.span.From.Before(p.span.To):
		return nil // said already
	case len(current) == 0:
		return noticesWithout(driversOmit(measure), current, provenance)
	case len(previous) == 0:
		return []data.Notice{information(fmt.Sprintf("There is no usage in the preceding period (%s to %s) with these filters, so there is nothing to compare with.",
			p.previous.From.Format("2 January 2006"), p.previous.To.Format("2 January 2006")))}
	}
	notices := noticesWithout(driversOmit(measure), slices.Concat(current, previous), provenance)
	if change == nil {
		notices = append(notices, warning(fmt.Sprintf("The %s of part of the usage is not known in one of the periods, so what drove the change cannot be told.", measure)))
	}
	return notices
}

// billedNotice says that the drivers explain the electricity alone where the bill
// is another: a rented GPU's price is not made of energy.
func billedNotice(measure kpi.ChangeMeasure, current []warehouse.UsageRow) []data.Notice {
	if measure != kpi.ChangeOfCost {
		return nil
	}
	var energy, billed float64
	for _, row := range current {
		if row.EnergyCost == nil || row.Cost == nil {
			return nil
		}
		energy, billed = energy+float64(*row.EnergyCost), billed+float64(*row.Cost)
	}
	if math.Abs(billed-energy) <= 0.005*energy {
		return nil
	}
	return []data.Notice{information(fmt.Sprintf("The drivers explain the cost of electricity, %s in this period; %s were billed, which also pays for hardware and services.",
		amountOf(kpi.ChangeOfCost, energy), amountOf(kpi.ChangeOfCost, billed)))}
}

// lateNotice says that the period ends after the newest event: what is still to
// come would look like a saving.
func lateNotice(p plan, provenance warehouse.Provenance) []data.Notice {
	if newest := provenance.NewestEvent; newest.Before(p.span.To.Add(-time.Hour)) {
		return []data.Notice{warning(fmt.Sprintf("The newest event is of %s, before the end of the compared period: usage that is not in yet looks like a saving.",
			newest.In(p.calendar.Location).Format("2 January 2006 15:04")))}
	}
	return nil
}

// changeMeta is what the drivers of a change rest on.
type changeMeta struct {
	Measure       string       `json:"measure"`
	Unit          string       `json:"unit"`
	Before        float64      `json:"before"`
	After         float64      `json:"after"`
	Change        float64      `json:"change"`
	Residual      float64      `json:"residual"`
	Drivers       int          `json:"drivers"` // of which the frame names the greatest
	ActivityUnits []string     `json:"activityUnits"`
	Entered       *segmentList `json:"entered,omitempty"`
	Left          *segmentList `json:"left,omitempty"`
}

// segmentList names the segments that came or went, the first few of many.
type segmentList struct {
	Segments int      `json:"segments"`
	First    []string `json:"first"`
}

func describeChange(change *kpi.ChangeDecomposition, options keyDriversOptions) *changeMeta {
	m := &changeMeta{
		Measure: map[kpi.ChangeMeasure]string{kpi.ChangeOfEnergy: "facility energy", kpi.ChangeOfCost: "energy cost",
			kpi.ChangeOfCarbon: "location-based emissions"}[options.Measure],
		Unit:   map[kpi.ChangeMeasure]string{kpi.ChangeOfEnergy: "kWh", kpi.ChangeOfCost: "USD", kpi.ChangeOfCarbon: "kgCO2e"}[options.Measure],
		Before: change.Before, After: change.After, Change: change.Change(), Residual: change.Residual(),
		Drivers: len(change.ByGroup), ActivityUnits: []string{}, Entered: listSegments(change.Entered), Left: listSegments(change.Left),
	}
	if options.View == "bridge" {
		m.Drivers = len(change.Totals)
	}
	for _, effect := range change.Totals {
		if unit := string(effect.Activity); unit != "" && !slices.Contains(m.ActivityUnits, unit) {
			m.ActivityUnits = append(m.ActivityUnits, unit)
		}
	}
	slices.Sort(m.ActivityUnits)
	return m
}

func listSegments(segments []kpi.ChangeSegment) *segmentList {
	if len(segments) == 0 {
		return nil
	}
	const shown = 20
	list := &segmentList{Segments: len(segments)}
	for _, s := range segments[:min(shown, len(segments))] {
		list.First = append(list.First, strings.Join([]string{MemberLabel(s.Model), s.Region, MemberLabel(s.Project), string(s.Workload)}, ", "))
	}
	return list
}
