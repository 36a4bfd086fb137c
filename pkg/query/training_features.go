package query

import (
	"cmp"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// featureRow is what the runs of a product feature took together; a pointer is nil
// where it is not known of one of them.
type featureRow struct {
	feature, model, unit string
	runs, completed      int
	gpuHours             *float64
	energy, ofCompleted  *kpi.KilowattHours
	cost                 *kpi.USD
	carbon               *kpi.KilogramsCO2e
}

// byFeature joins the runs of a feature, model and business unit; those that name
// no feature are one row a model and unit. The most carbon comes first.
func byFeature(runs []warehouse.RunUsage, now time.Time) []*featureRow {
	var rows []*featureRow
	for _, run := range runs {
		at := slices.IndexFunc(rows, func(r *featureRow) bool {
			return r.feature == run.Feature && r.model == run.Model && r.unit == run.BusinessUnit
		})
		if at < 0 {
			at = len(rows)
			rows = append(rows, &featureRow{feature: run.Feature, model: run.Model, unit: run.BusinessUnit, gpuHours: new(float64),
				energy: new(kpi.KilowattHours), ofCompleted: new(kpi.KilowattHours), cost: new(kpi.USD), carbon: new(kpi.KilogramsCO2e)})
		}
		row := rows[at]
		row.runs++
		if run.Completed(now) {
			row.completed++
			row.ofCompleted = plus(row.ofCompleted, run.ITEnergy)
		}
		row.gpuHours = plus(row.gpuHours, runGPUHours(run))
		row.energy, row.cost, row.carbon = plus(row.energy, run.ITEnergy), plus(row.cost, run.Cost), plus(row.carbon, run.CarbonLocation)
	}
	slices.SortStableFunc(rows, func(a, b *featureRow) int {
		return cmp.Compare(valueOr(maybe(b.carbon), -1), valueOr(maybe(a.carbon), -1))
	})
	return rows
}

// plus adds an amount to a sum; what is not known makes the sum unknown.
func plus[T ~float64](sum, amount *T) *T {
	if sum == nil || amount == nil {
		return nil
	}
	total := *sum + *amount
	return &total
}

func featureFrame(rows []*featureRow, requests map[string]int64, price float64) *data.Frame {
	n := len(rows)
	features, models, units := make([]string, n), make([]string, n), make([]string, n)
	numbers := map[string][]*float64{}
	order := []string{"runs", "gpu_hours", "energy_kwh", "kwh_per_run", "cost_usd", "carbon_kg", "carbon_cost_usd", "requests", "carbon_g_per_1k_requests"}
	for _, name := range order {
		numbers[name] = make([]*float64, n)
	}
	for i, row := range rows {
		features[i], models[i], units[i] = row.feature, row.model, row.unit
		numbers["runs"][i], numbers["gpu_hours"][i] = number(row.runs), row.gpuHours
		numbers["energy_kwh"][i], numbers["cost_usd"][i], numbers["carbon_kg"][i] = maybe(row.energy), maybe(row.cost), maybe(row.carbon)
		if row.ofCompleted != nil {
			numbers["kwh_per_run"][i] = maybe(kpi.EnergyToSolution(*row.ofCompleted, row.completed))
		}
		numbers["carbon_cost_usd"][i] = maybe(kpi.Chargeback(row.carbon, price))
		numbers["requests"][i] = number(requests[row.model])
		numbers["carbon_g_per_1k_requests"][i] = kpi.TrainingCarbonPer1kRequests(row.carbon, requests[row.model])
	}
	frame := data.NewFrame("Carbon cost of features", textField("feature", features), memberField(kpi.DimensionModel, models), memberField(kpi.DimensionBusinessUnit, units))
	for _, name := range order {
		frame.Fields = append(frame.Fields, numberField(name, numbers[name]))
	}
	field, _ := frame.FieldByName("requests")
	field.Config.Description = "Requests the model answered in the period, whatever the filters; the features of a model share them"
	return frame
}
