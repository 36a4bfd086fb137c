package kpi

import (
	"cmp"
	"math"
	"slices"
)

type effectKey struct {
	driver   Driver
	activity Activity
	group    string
}

func (k effectKey) in(group string) effectKey {
	k.group = group
	return k
}

type effectSum struct{ effect, weight, weighted float64 }

type effectSums map[effectKey]*effectSum

func (s effectSums) add(key effectKey, effect float64) { s.at(key).effect += effect }

// addWeighted also sums what the change of the factor is found from.
func (s effectSums) addWeighted(key effectKey, effect, weight float64) {
	sum := s.at(key)
	sum.effect += effect
	if weight > 0 {
		sum.weight, sum.weighted = sum.weight+weight, sum.weighted+effect
	}
}

func (s effectSums) at(key effectKey) *effectSum {
	if s[key] == nil {
		s[key] = &effectSum{}
	}
	return s[key]
}

// list sorts the effects by their size. What has none is left out, as is a factor
// that only seems to change because quotients are rounded.
func (s effectSums) list(scale float64) []DriverEffect {
	const rounding = 1e-12
	var effects []DriverEffect
	for key, sum := range s {
		if math.Abs(sum.effect) <= rounding*scale {
			continue
		}
		e := DriverEffect{Driver: key.driver, Activity: key.activity, Group: key.group, Effect: sum.effect}
		if sum.weight > 0 && sum.weighted == sum.effect { // not where a limit is part of the effect
			e.FactorChange = finite(math.Expm1(sum.weighted / sum.weight))
		}
		effects = append(effects, e)
	}
	slices.SortFunc(effects, func(a, b DriverEffect) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Effect), math.Abs(a.Effect)),
			cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.Activity, b.Activity), cmp.Compare(a.Group, b.Group))
	})
	return effects
}
