package kpi_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func candidate(accuracy, energy float64) kpi.ParetoCandidate {
	return kpi.ParetoCandidate{Accuracy: &accuracy, Energy: &energy}
}

func TestParetoFront(t *testing.T) {
	small, large, waste, equal := candidate(0.80, 1), candidate(0.90, 4), candidate(0.79, 5), candidate(0.80, 1)
	standings := kpi.ParetoFront([]kpi.ParetoCandidate{small, large, waste, equal, {Energy: ptr(1.0)}, {Accuracy: ptr(1.0)}})
	assert.Equal(t, []*kpi.ParetoStanding{
		{OnFront: true, Better: -1}, {OnFront: true, Better: -1}, {Better: 0}, {OnFront: true, Better: -1}, nil, nil,
	}, standings, "small and large trade off, the waste is beaten by both and small takes the least, equals are both on the front")
}

// Of two that take as little, only the more accurate is on the front.
func TestTheBetterCandidateIsItselfOnTheFront(t *testing.T) {
	standings := kpi.ParetoFront([]kpi.ParetoCandidate{candidate(0.80, 1), candidate(0.90, 1), candidate(0.70, 2)})
	assert.Equal(t, []*kpi.ParetoStanding{{Better: 1}, {OnFront: true, Better: -1}, {Better: 1}}, standings)
}

func TestParetoFrontRefusesWhatIsNoNumber(t *testing.T) {
	standings := kpi.ParetoFront([]kpi.ParetoCandidate{candidate(math.NaN(), 1), candidate(0.9, math.NaN()), candidate(0.9, math.Inf(-1)), candidate(0.1, 9)})
	assert.Equal(t, []*kpi.ParetoStanding{nil, nil, nil, {OnFront: true, Better: -1}}, standings, "and it beats nobody")
	assert.Empty(t, kpi.ParetoFront(nil))
}

// somePareto draws few values, so that ties are common.
var somePareto = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpi.ParetoCandidate {
	return candidate(float64(rapid.IntRange(0, 6).Draw(t, "accuracy")), float64(rapid.IntRange(0, 6).Draw(t, "energy")))
}), 1, 14)

// beats is the definition, written apart from the code.
func beats(a, b kpi.ParetoCandidate) bool {
	asGood := *a.Accuracy >= *b.Accuracy && *a.Energy <= *b.Energy
	return asGood && (*a.Accuracy != *b.Accuracy || *a.Energy != *b.Energy)
}

func TestTheFrontIsNotBeatenAndBeatsAllOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := somePareto.Draw(t, "candidates")
		standings := kpi.ParetoFront(candidates)
		front := 0
		for i, standing := range standings {
			require.NotNil(t, standing)
			if standing.OnFront {
				front++
				assert.Equal(t, -1, standing.Better)
				for j, other := range candidates {
					assert.False(t, beats(other, candidates[i]), "%d is on the front and %d beats it", i, j)
				}
				continue
			}
			better := candidates[standing.Better]
			assert.True(t, beats(better, candidates[i]), "%d is said to beat %d", standing.Better, i)
			assert.True(t, standings[standing.Better].OnFront, "the better choice is beaten by nobody")
			for _, other := range candidates {
				if beats(other, candidates[i]) {
					assert.GreaterOrEqual(t, *other.Energy, *better.Energy, "the better choice is the cheapest")
				}
			}
		}
		assert.Positive(t, front, "somebody is on the front")
	})
}

func TestTheFrontDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		candidates := somePareto.Draw(t, "candidates")
		places := make([]int, len(candidates))
		for i := range places {
			places[i] = i
		}
		shuffled := rapid.Permutation(places).Draw(t, "order")
		mixed := make([]kpi.ParetoCandidate, len(candidates))
		for to, from := range shuffled {
			mixed[to] = candidates[from]
		}
		before, after := kpi.ParetoFront(candidates), kpi.ParetoFront(mixed)
		for to, from := range shuffled {
			require.Equal(t, before[from].OnFront, after[to].OnFront)
			if !before[from].OnFront { // of two that are equal either may be named
				assert.Equal(t, values(candidates[before[from].Better]), values(mixed[after[to].Better]))
			}
		}
	})
}

func values(c kpi.ParetoCandidate) [2]float64 { return [2]float64{*c.Accuracy, *c.Energy} }
