package kpi

// Annualisation scales what a period saw to a year.
type Annualisation struct {
	Days   float64 // of the period, of 24 hours each
	Factor float64 // what a sum over the period is multiplied by
}

// Annualise is the scale from a period to a year at the same pace:
//
//	factor = 365 days / days of the period
//
// The year is that of Year. The period is the time that has passed and that
// measurements exist for: with days ahead in it the year would come out too
// small. A period longer than a year is scaled down. Source: the guide asks what a
// change saves "annually". Refused for an empty period.
func Annualise(period Span) *Annualisation {
	factor := quotient(float64(Year), float64(period.Duration()))
	if factor == nil {
		return nil
	}
	return &Annualisation{Days: period.Duration().Hours() / 24, Factor: *factor}
}

// Footprint scales a period's footprint to a year; nil scales it to nothing known.
func (a *Annualisation) Footprint(f Footprint) Footprint {
	if a == nil {
		return Footprint{}
	}
	return f.Times(a.Factor)
}
