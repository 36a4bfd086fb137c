package kpi

// Chargeback is what a business unit is charged for its emissions in USD:
//
//	tCO2e · internal carbon price
//
// The price is in USD per tonne. The emissions are location- or market-based,
// never a sum of both. Source: the guide's Carbon Attribution Heatmap. Refused
// without emissions and without a price above zero: a company that has set none
// charges nobody, which is not the same as charging 0.
func Chargeback(emissions *KilogramsCO2e, usdPerTonne float64) *USD {
	if emissions == nil || !(usdPerTonne > 0) {
		return nil
	}
	return finite(USD(float64(emissions.Tonnes()) * usdPerTonne))
}

// SoftwareCarbonIntensity is the SCI in grams of CO2e per functional unit:
//
//	SCI = ((E · I) + M) / R
//
// E · I is Measures.CarbonLocation: facility energy at the grid intensity of each
// hour and region. The standard excludes market-based figures, and E includes the
// energy of hardware that was reserved and idle. M is the embodied carbon of the
// hardware time reserved, see AmortisedEmbodied; R the functional units of the
// same period: requests, training runs.
//
// Source: ISO/IEC 21031:2024, github.com/Green-Software-Foundation/sci SPEC.md.
// Refused without functional units, without location-based carbon, and for
// embodied carbon below zero.
func SoftwareCarbonIntensity(m Measures, embodied KilogramsCO2e, functionalUnits float64) *float64 {
	if m.CarbonLocation == nil || !(embodied >= 0) {
		return nil
	}
	kilograms := quotient(*m.CarbonLocation+embodied, functionalUnits)
	if kilograms == nil {
		return nil
	}
	return finite(*kilograms * 1000)
}
