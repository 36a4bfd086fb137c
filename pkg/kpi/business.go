package kpi

// CarbonIntensityOfRevenue is the emissions of AI for the revenue it stands beside,
// in kgCO2e per 1,000 USD of annual recurring revenue:
//
//	kgCO2e · (365 / days) / annual recurring revenue · 1,000
//
// The emissions are scaled to the year that the revenue is of, so that a quarter
// and a year compare. Source: the guide's KPI table. Refused without emissions, a
// period or revenue.
func CarbonIntensityOfRevenue(carbon *KilogramsCO2e, days float64, annualRevenue *USD) *float64 {
	if carbon == nil || annualRevenue == nil {
		return nil
	}
	perDay := quotient(*carbon, days)
	if perDay == nil {
		return nil
	}
	return scaled(quotient(*perDay*365, *annualRevenue), 1000)
}

// InfrastructureEfficiencyRatio is the revenue for each hour that a gibibyte of
// accelerator memory was in use, in USD per GiB·h:
//
//	revenue / GPU memory hours
//
// Both are of one period. Source: the guide's KPI table. Refused without revenue
// and without memory hours.
func InfrastructureEfficiencyRatio(revenue *USD, gpuMemoryHours float64) *float64 {
	if revenue == nil {
		return nil
	}
	return quotient(*revenue, gpuMemoryHours)
}

// EffectivePUE is the PUE of the work itself:
//
//	facility energy / IT energy
//
// Refused without either.
func EffectivePUE(m Measures) *float64 {
	if m.FacilityEnergy == nil {
		return nil
	}
	return quotient(*m.FacilityEnergy, m.ITEnergy)
}

// OperationalSustainabilityScore is the part of the facility's energy that reaches
// the servers, 0 to 1:
//
//	1 / PUE
//
// Source: the guide's KPI table. Refused for a PUE that is unknown or below 1.
func OperationalSustainabilityScore(pue *float64) *float64 {
	if pue == nil || !(*pue >= 1) {
		return nil
	}
	return quotient(1.0, *pue)
}

// CapitalExpenditureROI is the hardware's worth put to use for each dollar of
// energy:
//
//	(utilisation · hardware cost) / energy cost
//
// Utilisation is 0..1; the hardware cost is the part of the purchase cost that
// falls into the period, as energy cost does: with the whole of it, a longer
// period would look worse. Source: the guide's KPI table. Refused without any of
// the three and for a utilisation outside 0..1.
func CapitalExpenditureROI(utilisation *float64, hardwareCost, energyCost *USD) *float64 {
	if utilisation == nil || hardwareCost == nil || energyCost == nil || !(*utilisation >= 0 && *utilisation <= 1) {
		return nil
	}
	return quotient(*utilisation*float64(*hardwareCost), float64(*energyCost))
}

// Utilisation is the part of the hours that accelerators were there in which they
// worked, 0 to 1:
//
//	GPU hours worked / GPU hours in service
//
// Above 1 the work ran on more than the inventory holds, such as rented GPUs.
// Refused without hours in service.
func Utilisation(worked, inService float64) *float64 { return quotient(worked, inService) }

// RelativeChange is how a figure changed against what it was before:
//
//	(value − previous) / |previous|
//
// Refused without either, and where it was zero before.
func RelativeChange(value, previous *float64) *float64 {
	if value == nil || previous == nil {
		return nil
	}
	size := *previous
	if size < 0 {
		size = -size
	}
	return quotient(*value-*previous, size)
}
