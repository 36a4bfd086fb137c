package kpi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestStandingOf(t *testing.T) {
	for _, test := range []struct {
		name             string
		expected, budget *float64
		want             kpi.BudgetStatus
	}{
		{"well below", ptr(50.0), ptr(100.0), kpi.BudgetOn},
		{"at the warning", ptr(90.0), ptr(100.0), kpi.BudgetClose},
		{"exactly spent", ptr(100.0), ptr(100.0), kpi.BudgetClose},
		{"over", ptr(100.01), ptr(100.0), kpi.BudgetOver},
		{"a budget of zero and nothing spent", ptr(0.0), ptr(0.0), kpi.BudgetOn},
		{"a budget of zero and something spent", ptr(0.01), ptr(0.0), kpi.BudgetOver},
		{"no budget", ptr(5.0), nil, kpi.BudgetNone},
		{"nothing known", nil, ptr(5.0), kpi.BudgetNone},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.StandingOf(test.expected, test.budget, 0.9))
		})
	}
}

func TestVariance(t *testing.T) {
	assert.Equal(t, ptr(-20.0), kpi.Variance(ptr(80.0), ptr(100.0)))
	assert.Equal(t, ptr(-0.2), kpi.VarianceShare(ptr(80.0), ptr(100.0)))
	assert.Nil(t, kpi.VarianceShare(ptr(80.0), ptr(0.0)), "no part of nothing")
	assert.Nil(t, kpi.Variance(nil, ptr(1.0)))
	assert.Nil(t, kpi.Variance(ptr(1.0), nil))
	rapid.Check(t, func(t *rapid.T) {
		actual, budget := rapid.Float64Range(0, 1e9).Draw(t, "actual"), rapid.Float64Range(0, 1e9).Draw(t, "budget")
		variance := kpi.Variance(&actual, &budget)
		require.NotNil(t, variance)
		assert.InDelta(t, actual, budget+*variance, 1e-6)
		assert.Equal(t, *variance > 0, kpi.StandingOf(&actual, &budget, 1) == kpi.BudgetOver, "over budget is a variance above zero")
	})
}

func TestProjection(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		name           string
		soFar          float64
		rests          []float64
		elapsed, whole time.Duration
		want           *float64
	}{
		{"as such days go on", 40, []float64{50, 70}, 6 * time.Hour, day, ptr(100.0)},
		{"a quiet rest", 40, []float64{0, 0}, 6 * time.Hour, day, ptr(40.0)},
		{"no history goes on at its pace", 25, nil, 6 * time.Hour, day, ptr(100.0)},
		{"a day of 25 hours", 24, nil, 6 * time.Hour, 25 * time.Hour, ptr(100.0)},
		{"nothing has passed and there is no history", 0, nil, 0, day, nil},
		{"below zero", -1, nil, 6 * time.Hour, day, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, kpi.Projection(test.soFar, test.rests, test.elapsed, test.whole))
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		soFar := rapid.Float64Range(0, 1e9).Draw(t, "so far")
		rests := rapid.SliceOfN(rapid.Float64Range(0, 1e9), 0, 4).Draw(t, "rests")
		elapsed := time.Duration(rapid.IntRange(1, 24).Draw(t, "elapsed")) * time.Hour
		projected := kpi.Projection(soFar, rests, elapsed, day)
		require.NotNil(t, projected)
		assert.GreaterOrEqual(t, *projected, soFar, "what is spent is spent")
		more := kpi.Projection(soFar+1, rests, elapsed, day)
		assert.Greater(t, *more, *projected-1e-6, "more spent is more projected")
	})
}
