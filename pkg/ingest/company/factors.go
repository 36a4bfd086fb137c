package company

import (
	"fmt"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// regionFigures are a region's. The grid figures are Google's; contracts and
// prices are the company's and invented.
type regionFigures struct {
	grid2023, grid2024 float64 // g CO2e per kWh
	contract           float64 // market-based, g CO2e per kWh; 0: none, then the grid's holds
	price              float64 // USD per kWh in 2025
	rise               float64 // factor a year
	pue                float64
}

// The grid figures are data/yearly/2023.csv and 2024.csv of
// github.com/GoogleCloudPlatform/region-carbon-info (Apache-2.0).
var figures = map[string]regionFigures{
	iowa:      {grid2023: 430, grid2024: 412.72, price: 0.071, rise: 1.03, pue: 1.11},
	virginia:  {grid2023: 322, grid2024: 323.05, price: 0.093, rise: 1.05, pue: 1.08},
	eemshaven: {grid2023: 236, grid2024: 208.81, contract: 38, price: 0.168, rise: 0.96},
	paris:     {grid2023: 34, grid2024: 16.30, price: 0.141, rise: 0.97, pue: 1.1},
	finland:   {grid2023: 46, grid2024: 39.32, contract: 6, price: 0.082, rise: 0.98, pue: 1.09},
	singapore: {grid2023: 369, grid2024: 366.85, price: 0.176, rise: 1.02, pue: 1.13},
}

const (
	// Worded as the import of Google's own files words it, so that importing them
	// on top changes nothing.
	googleGrid = "Google Cloud region-carbon-info %d (Apache-2.0)"
	googlePUE  = "Cloud Carbon Footprint constants (Apache-2.0), after the provider"
)

// factors lists the company's factors for events from start to end.
func factors(start, end time.Time) []warehouse.Factor {
	january := func(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
	var all []warehouse.Factor
	for _, region := range regions() {
		f := figures[region]
		for i, value := range []float64{f.grid2023, f.grid2024} {
			year := 2023 + i
			all = append(all, warehouse.Factor{Region: region, Quantity: warehouse.FactorGridLocation, ValidFrom: january(year), Value: value,
				Source: fmt.Sprintf(googleGrid, year), SourceYear: year, Method: "average of the grid", Boundary: "operation of the power plants"})
		}

		for year := start.Year(); year <= end.Year(); year++ {
			all = append(all, warehouse.Factor{Region: region, Quantity: warehouse.FactorElectricityPrice, ValidFrom: january(year),
				Value: round(f.price*power(f.rise, year-2025), 4), Source: Name + ", supply contract", SourceYear: year,
				Method: "contract price", Boundary: "energy, network and levies, without VAT"})
		}
		if f.contract > 0 {
			all = append(all, warehouse.Factor{Region: region, Quantity: warehouse.FactorGridMarket, ValidFrom: january(start.Year()),
				Value: f.contract, Source: Name + ", supply contract with guarantees of origin", SourceYear: start.Year(),
				Method: "contractual instruments, GHG Protocol Scope 2", Boundary: "generation"})
		}
		if f.pue > 0 {
			all = append(all, warehouse.Factor{Region: region, Quantity: warehouse.FactorPUE, ValidFrom: january(2015), Value: f.pue,
				Source: googlePUE, SourceYear: 2022, Method: "provider", Boundary: "facility energy over IT energy"})
		}
	}
	return append(all, hallPUE(start, end)...)
}

// hallPUE is the company's own hall, which is refitted every half-year.
func hallPUE(start, end time.Time) []warehouse.Factor {
	var all []warehouse.Factor
	steps := []float64{1.36, 1.31, 1.25, 1.21, 1.17, 1.15}
	day := time.Date(start.Year(), 1+start.Month()/7*6, 1, 0, 0, 0, 0, time.UTC)
	for i := 0; !day.After(end); i, day = i+1, day.AddDate(0, 6, 0) {
		all = append(all, warehouse.Factor{Region: eemshaven, Quantity: warehouse.FactorPUE, ValidFrom: day, Value: steps[min(i, len(steps)-1)],
			Source: Name + ", meters of the hall in Eemshaven", SourceYear: day.Year(), Method: "metered", Boundary: "facility energy over IT energy"})
	}
	return all
}

// factorAt is the factor valid on a day, the earliest one before it begins, and
// 0 where there is none.
func (c *Company) factorAt(region string, quantity warehouse.FactorQuantity, day time.Time) float64 {
	of := slices.DeleteFunc(slices.Clone(c.Factors), func(f warehouse.Factor) bool { return f.Region != region || f.Quantity != quantity })
	slices.SortFunc(of, func(a, b warehouse.Factor) int { return a.ValidFrom.Compare(b.ValidFrom) })
	value := 0.0
	for i, f := range of {
		if i == 0 || !f.ValidFrom.After(day) {
			value = f.Value
		}
	}
	return value
}

// price is what a kWh of IT energy costs and emits.
type price struct {
	usd       float64
	kilograms float64 // location-based
}

// prices are by region and day, as the warehouse will price the events.
type prices map[string]map[time.Time]price

func (c *Company) prices() prices {
	all := prices{}
	for _, region := range regions() {
		all[region] = map[time.Time]price{}
		for day := dayOf(c.Start); !day.After(c.End); day = day.AddDate(0, 0, 1) {
			pue := c.factorAt(region, warehouse.FactorPUE, day)
			all[region][day] = price{
				usd:       pue * c.factorAt(region, warehouse.FactorElectricityPrice, day),
				kilograms: pue * c.factorAt(region, warehouse.FactorGridLocation, day) / 1000,
			}
		}
	}
	return all
}

// cost is the event's part on a day: the bill, or where there is none the
// electricity of the facility.
func (p prices) cost(e *warehouse.Event, day time.Time, part float64) kpi.USD {
	if e.Cost != nil {
		return *e.Cost * kpi.USD(part)
	}
	return kpi.USD(float64(e.ITEnergy) * part * p[e.Region][day].usd)
}

func (p prices) carbon(e *warehouse.Event, day time.Time, part float64) kpi.KilogramsCO2e {
	return kpi.KilogramsCO2e(float64(e.ITEnergy) * part * p[e.Region][day].kilograms)
}
