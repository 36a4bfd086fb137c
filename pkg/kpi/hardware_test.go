package kpi_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func event(at time.Time, stage kpi.HardwareStage) kpi.HardwareEvent {
	return kpi.HardwareEvent{Time: at, Stage: stage}
}

func TestHardwareStages(t *testing.T) {
	var labels []string
	for _, stage := range kpi.HardwareStages() {
		labels = append(labels, stage.Label())
	}
	assert.Equal(t, []string{"Procured", "Deployed", "Decommissioned", "Reused", "Recycled", "E-waste"}, labels)
	assert.Equal(t, "New", kpi.HardwareStage("").Label())
}

func TestMayFollow(t *testing.T) {
	tests := []struct {
		from, to kpi.HardwareStage
		want     bool
	}{
		{"", kpi.HardwareProcured, true},
		{"", kpi.HardwareDeployed, true},
		{"", kpi.HardwareRecycled, false},
		{kpi.HardwareProcured, kpi.HardwareDeployed, true},
		{kpi.HardwareDeployed, kpi.HardwareProcured, false},
		{kpi.HardwareDecommissioned, kpi.HardwareReused, true},
		{kpi.HardwareReused, kpi.HardwareDecommissioned, true},
		{kpi.HardwareRecycled, kpi.HardwareDeployed, false},
		{kpi.HardwareEWaste, kpi.HardwareRecycled, false},
		{kpi.HardwareDeployed, "stolen", false},
	}
	for _, test := range tests {
		assert.Equalf(t, test.want, test.to.MayFollow(test.from), "from %q to %q", test.from, test.to)
	}
	for _, stage := range kpi.HardwareStages() {
		assert.Falsef(t, stage.MayFollow(stage), "%q after itself is no move", stage)
	}
}

func TestHardwareLife(t *testing.T) {
	life := kpi.NewHardwareLife(
		event(date(2024, 6, 1), kpi.HardwareDecommissioned),
		event(date(2022, 1, 10), kpi.HardwareDeployed), // of the day it was procured on
		event(date(2022, 1, 10), kpi.HardwareProcured),
		event(date(2024, 9, 1), kpi.HardwareRecycled),
		event(date(2023, 1, 1), "stolen"),
	)
	tests := []struct {
		name  string
		at    time.Time
		stage kpi.HardwareStage
		there bool
		age   time.Duration
		aged  bool
	}{
		{"before", date(2022, 1, 9), "", false, 0, false},
		{"as it comes: the day's events are of the period that begins with it", date(2022, 1, 10), "", false, 0, true},
		{"procured and deployed on one day", date(2022, 1, 11), kpi.HardwareDeployed, true, 24 * time.Hour, true},
		{"a stage that does not exist is no event", date(2023, 1, 10), kpi.HardwareDeployed, true, kpi.Years(1), true},
		{"at the end of May", date(2024, 6, 1), kpi.HardwareDeployed, true, date(2024, 6, 1).Sub(date(2022, 1, 10)), true},
		{"in June", date(2024, 7, 1), kpi.HardwareDecommissioned, true, date(2024, 7, 1).Sub(date(2022, 1, 10)), true},
		{"the age stops with the end", date(2030, 1, 1), kpi.HardwareRecycled, true, date(2024, 9, 1).Sub(date(2022, 1, 10)), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stage, there := life.StageBefore(test.at)
			assert.Equal(t, test.stage, stage)
			assert.Equal(t, test.there, there)
			age, aged := life.Age(test.at)
			assert.Equal(t, test.age, age)
			assert.Equal(t, test.aged, aged)
		})
	}
	_, there := kpi.HardwareLife{}.StageBefore(date(2030, 1, 1))
	assert.False(t, there, "without events it is nowhere")
}

func TestRefreshCandidate(t *testing.T) {
	inService := kpi.NewHardwareLife(event(date(2022, 1, 1), kpi.HardwareDeployed))
	retired := kpi.NewHardwareLife(event(date(2022, 1, 1), kpi.HardwareDeployed), event(date(2025, 1, 1), kpi.HardwareDecommissioned))
	reused := kpi.NewHardwareLife(event(date(2022, 1, 1), kpi.HardwareProcured), event(date(2025, 1, 1), kpi.HardwareReused))
	due := date(2022, 1, 1).Add(kpi.Years(4))
	tests := []struct {
		name     string
		life     kpi.HardwareLife
		lifetime time.Duration
		at       time.Time
		want     bool
	}{
		{"on the day its lifetime ends", inService, kpi.Years(4), due, true},
		{"an hour before", inService, kpi.Years(4), due.Add(-time.Hour), false},
		{"later", inService, kpi.Years(4), due.Add(kpi.Year), true},
		{"reused and old", reused, kpi.Years(4), due, true},
		{"retired already", retired, kpi.Years(4), due, false},
		{"without a lifetime", inService, 0, due, false},
		{"never there", kpi.HardwareLife{}, kpi.Years(4), due, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asset := kpi.HardwareAsset{Life: test.life, Lifetime: test.lifetime}
			assert.Equal(t, test.want, asset.RefreshCandidate(test.at))
		})
	}
}

func TestNewHardwareLifeLeavesItsInputAlone(t *testing.T) {
	events := []kpi.HardwareEvent{event(date(2024, 1, 1), kpi.HardwareDeployed), event(date(2023, 1, 1), kpi.HardwareProcured)}
	kpi.NewHardwareLife(events...)
	require.Equal(t, kpi.HardwareDeployed, events[0].Stage)
}
