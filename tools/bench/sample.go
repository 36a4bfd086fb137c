package bench

import (
	"math"
	"slices"
	"time"
)

// sample is how long something took, time and again.
type sample []time.Duration

// quantile is the least time that at least the part q of the sample does not
// exceed (nearest rank). It panics on an empty sample.
func (s sample) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func (s sample) median() time.Duration { return s.quantile(0.5) }
func (s sample) p95() time.Duration    { return s.quantile(0.95) }

// ratio is how many times as long a takes as b.
func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// measure times something after some rounds of warming up, and at least once. It stops
// early where the rounds together take longer than there is patience for. The round is
// counted from 0 through both.
func measure(warmUp, rounds int, patience time.Duration, once func(round int) error) (sample, error) {
	var taken sample
	end := time.Now().Add(patience)
	for round := range warmUp + rounds {
		began := time.Now()
		if err := once(round); err != nil {
			return nil, err
		}
		late := time.Now().After(end)
		if round >= warmUp || late {
			taken = append(taken, time.Since(began))
		}
		if late {
			break
		}
	}
	return taken, nil
}
