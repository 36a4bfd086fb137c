package kpi

import "math"

const (
	// fewestUsual is from how many earlier values on the usual is known.
	fewestUsual = 7
	// leastSpread is the least that a deviation is measured by, as a part of the
	// median: a machine that takes the same every day is not unusual for a trifle.
	leastSpread = 0.05
)

// Unusual is how far a value is from what was usual before, and that usual value,
// the median. The deviation is a robust z-score,
//
//	(x − median) / max(MAD / 0.6745, 5 % of the median)
//
// MAD is the median absolute deviation. From SpikeScore on the value is unusual.
// Both are nil with fewer than seven earlier values; without an x there is no
// deviation, and none where all before was zero. Source: Iglewicz and Hoaglin, How
// to Detect and Handle Outliers, 1993; the least spread is our own.
func Unusual(x *float64, before []float64) (deviation, usual *float64) {
	if len(before) < fewestUsual {
		return nil, nil
	}
	middle, spread := robustSpread(before)
	usual = finite(middle)
	spread = max(spread, leastSpread*math.Abs(middle))
	if x == nil || spread == 0 {
		return nil, usual
	}
	return finite((*x - middle) / spread), usual
}

// robustSpread is the median and, scaled to a normal distribution's standard
// deviation, the median absolute deviation from it.
func robustSpread(values []float64) (middle, spread float64) {
	middle = median(values)
	deviations := make([]float64, len(values))
	for i, value := range values {
		deviations[i] = math.Abs(value - middle)
	}
	return middle, median(deviations) / 0.6745
}
