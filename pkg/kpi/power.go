package kpi

// PowerCostPerHour is what a steady draw costs an hour, in USD:
//
//	W / 1,000 × PUE × USD/kWh
//
// It is nil where the PUE or the price is not known, or the draw is no number.
func PowerCostPerHour(watts float64, pue, usdPerKWh *float64) *float64 {
	return drawTimes(watts, pue, usdPerKWh)
}

// PowerCarbonPerHour is what a steady draw emits an hour, in g CO2e:
//
//	W / 1,000 × PUE × g/kWh
//
// It is nil where the PUE or the grid's intensity is not known, or the draw is no
// number.
func PowerCarbonPerHour(watts float64, pue, gramsPerKWh *float64) *float64 {
	return drawTimes(watts, pue, gramsPerKWh)
}

func drawTimes(watts float64, pue, perKWh *float64) *float64 {
	if pue == nil || perKWh == nil || watts < 0 {
		return nil
	}
	return finite(watts / 1000 * *pue * *perKWh)
}
