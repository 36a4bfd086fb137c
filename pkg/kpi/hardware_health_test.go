package kpi_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestHardwareHealthVerdict(t *testing.T) {
	tests := []struct {
		want   string
		health kpi.HardwareHealth
	}{
		{"", kpi.HardwareHealth{}},
		{kpi.HealthSound, kpi.HardwareHealth{UncorrectedECC: ptr(int64(0)), RemapFailed: ptr(false)}},
		{kpi.HealthSound, kpi.HardwareHealth{RemapPending: ptr(false)}},
		{kpi.HealthWorn, kpi.HardwareHealth{UncorrectedECC: ptr(int64(1))}},
		{kpi.HealthWorn, kpi.HardwareHealth{RemappedRows: ptr(int64(2)), RemapFailed: ptr(false)}},
		{kpi.HealthWorn, kpi.HardwareHealth{RetiredPages: ptr(int64(2))}},
		{kpi.HealthReset, kpi.HardwareHealth{RemappedRows: ptr(int64(2)), RemapPending: ptr(true)}},
		{kpi.HealthReplace, kpi.HardwareHealth{RemapPending: ptr(true), RemapFailed: ptr(true)}},
		{kpi.HealthLost, kpi.HardwareHealth{Lost: true, RemapFailed: ptr(true)}},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, test.health.Verdict(), "%+v", test.health)
	}
}
