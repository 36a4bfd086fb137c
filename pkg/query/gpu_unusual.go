package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// usualDays is how many days before are what is usual.
const usualDays = 14

// answerUnusualGPUs compares each GPU's last full hour with the same hour of the days
// before, the most unusual first.
func answerUnusualGPUs(ctx context.Context, source Source, request Request) (data.Frames, error) {
	p, err := makePlan(ctx, source, request)
	if err != nil {
		return nil, err
	}
	zone := p.calendar.Location
	end := p.calendar.Start(request.Now, kpi.IntervalHour)
	hour := kpi.Span{From: p.calendar.Start(end.Add(-time.Nanosecond), kpi.IntervalHour), To: end}
	hours := []time.Time{hour.From}
	for day := 1; day <= usualDays; day++ { // by the clock on the wall: work follows it
		hours = append(hours, hour.From.In(zone).AddDate(0, 0, -day))
	}
	gpus, sql, err := source.GPUHours(ctx, hours, hour.From)
	if err != nil {
		return nil, err
	}
	if members := request.Filters[kpi.DimensionRegion]; len(members) > 0 {
		gpus = slices.DeleteFunc(gpus, func(g warehouse.GPUHours) bool { return !slices.Contains(members, g.Region) })
	}
	m := newMeta(request, hour, warehouse.Provenance{}, zone)
	m.GPUSource = gpuSourceFleet
	m.Formulas = []formulaMeta{
		{"energy_hour_kwh", "energy of the last full hour"},
		{"usual_kwh", fmt.Sprintf("median of the same hour of the %d days before", usualDays)},
		{"deviation", "(energy − usual) / max(MAD / 0.6745, 5 % of the usual); from 3.5 on it is unusual (Iglewicz and Hoaglin)"},
	}
	frame, unknown := unusualFrame(gpus)
	_, notices := filterGPUs(nil, request.Filters)
	if unknown > 0 {
		notices = append(notices, information(fmt.Sprintf("Of %d %s it is not known yet what is usual: that takes seven days on which this hour was measured.",
			unknown, plural(unknown, "GPU", "GPUs"))))
	}
	if len(gpus) == 0 {
		notices = append(notices, information("No agent has sent a sample in the last full hour. Run wattctl collect on the GPU hosts."))
	}
	return data.Frames{attach(frame, m, sql, notices)}, nil
}

// unusualFrame is a row a GPU, and of how many the usual is not known.
func unusualFrame(gpus []warehouse.GPUHours) (frame *data.Frame, unknown int) {
	type row struct {
		warehouse.GPUHours
		deviation, usual *float64
	}
	rows := make([]row, len(gpus))
	for i, g := range gpus {
		var before []float64
		for _, energy := range g.Energy[1:] {
			if energy != nil {
				before = append(before, float64(*energy))
			}
		}
		rows[i] = row{GPUHours: g}
		rows[i].deviation, rows[i].usual = kpi.Unusual(maybe(g.Energy[0]), before)
		if rows[i].usual == nil {
			unknown++
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return compareKnown(b.deviation, a.deviation) })
	n := len(rows)
	hosts, names, regions, uuids := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	energies, usuals, deviations := make([]*float64, n), make([]*float64, n), make([]*float64, n)
	for i, r := range rows {
		hosts[i], names[i], regions[i], uuids[i] = r.Host, fmt.Sprintf("%s #%d", r.Name, r.Index), r.Region, r.UUID
		energies[i], usuals[i], deviations[i] = maybe(r.Energy[0]), r.usual, r.deviation
	}
	return data.NewFrame("Unusual GPUs", textField("host", hosts), textField("gpu_name", names), numberField("deviation", deviations),
		numberField("energy_hour_kwh", energies), numberField("usual_kwh", usuals), memberField(kpi.DimensionRegion, regions), textField("uuid", uuids)), unknown
}

// compareKnown orders numbers, those that are not known first.
func compareKnown(a, b *float64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}
