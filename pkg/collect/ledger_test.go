package collect

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func testLedger(t require.TestingT, last state) *ledger {
	rules, err := ParseRules([]byte(testRules))
	require.NoError(t, err)
	return newLedger("node-1", "FRA", "boot", 10*time.Second, rules, testProcesses, last)
}

// pass shows the ledger a snapshot and cuts where it wants to.
func pass(l *ledger, s gpu.Snapshot) (e entry, isCut bool) {
	if !l.observe(s) {
		return entry{}, false
	}
	c := l.cut(false)
	l.commit(c)
	return c.entry, true
}

func finish(l *ledger) entry {
	c := l.cut(true)
	l.commit(c)
	return c.entry
}

func TestIntervalsEndOnTheMarksOfTheClock(t *testing.T) {
	host := newFakeHost(time.Date(2026, 11, 20, 12, 0, 3, 0, time.UTC), 1)
	l := testLedger(t, state{})
	first, isCut := pass(l, host.snapshot())
	require.True(t, isCut)
	assert.Empty(t, first.Samples, "the first reading begins an interval and ends none")
	require.Len(t, first.Devices, 1)
	assert.Equal(t, "NVIDIA H100 SXM", first.Devices[0].Accelerator)
	var ends []string
	for range 25 {
		host.clock = host.clock.Add(time.Second)
		host.draw(0, 350_000)
		if e, isCut := pass(l, host.snapshot()); isCut {
			require.Len(t, e.Samples, 1)
			ends = append(ends, e.Samples[0].Time.Format(time.TimeOnly))
			assert.Equal(t, kpi.NanowattHoursBetween(0, 350_000*int64(e.Samples[0].Time.Sub(e.Samples[0].Start)/time.Second)), kpi.NanowattHours(*e.Samples[0].Energy))
			assert.Empty(t, e.Devices, "what is known of a device is not said again at once")
		}
	}
	assert.Equal(t, []string{"12:00:10", "12:00:20"}, ends)
}

func TestEnergyGoesToWhoUsedTheGPU(t *testing.T) {
	host := newFakeHost(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 1)
	l := testLedger(t, state{})
	pass(l, host.snapshot())
	half, quarter, memory := 0.5, 0.25, int64(10<<30)
	host.devices[0].Processes = []gpu.Process{{PID: 11, Utilization: &half, MemoryUsedBytes: &memory}, {PID: 13, Utilization: &quarter}, {PID: 99, Utilization: &quarter}}
	for range 10 {
		host.clock = host.clock.Add(time.Second)
		host.draw(0, 360_000)
		pass(l, host.snapshot())
	}
	got := map[string]fact{}
	for _, f := range finish(l).Facts {
		got[f.Project] = f
		assert.True(t, f.Measured)
		assert.Equal(t, 10*time.Second, f.End.Sub(f.Start))
	}
	require.Len(t, got, 2, "all of it was used, so nothing is idle")
	assert.Equal(t, kpi.NanowattHours(500_000_000), got["helpdesk"].Energy)
	assert.Equal(t, "llama", got["helpdesk"].Model)
	assert.Equal(t, kpi.NanowattHours(500_000_000), got[kpi.Unallocated].Energy, "a process no rule claims, and one that is not there any more")
	assert.InDelta(t, 5.0/3600, got["helpdesk"].GPUHours, 1e-12)
	assert.InDelta(t, 10*10.0/3600, got["helpdesk"].MemoryHours, 1e-12)
}

func TestInstancesShareTheEnergyOfTheirGPU(t *testing.T) {
	host := newFakeHost(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 1)
	l := testLedger(t, state{})
	memory, busy := int64(10<<30), 0.8
	withInstances := func() gpu.Snapshot {
		s := host.snapshot()
		s.Devices[0].Utilization = &busy
		for i, pid := range []int{11, 12} {
			s.Devices = append(s.Devices, gpu.Reading{Identity: gpu.Identity{UUID: []string{"MIG-1", "MIG-2"}[i], Name: "MIG 1g.10gb", Parent: "GPU-0"}, Time: s.Time,
				MemoryUsedBytes: &memory, Processes: []gpu.Process{{PID: pid, MemoryUsedBytes: &memory}}})
		}
		return s
	}
	pass(l, withInstances())
	host.clock = host.clock.Add(10 * time.Second)
	host.draw(0, 3_600_000)
	e, isCut := pass(l, withInstances())
	require.True(t, isCut)
	require.Len(t, e.Samples, 3)
	for _, s := range e.Samples {
		if s.UUID != "GPU-0" {
			assert.Nil(t, s.Energy, "nothing measures an instance")
			assert.Empty(t, s.Method)
			assert.NoError(t, s.Validate())
		}
	}
	got := map[string]kpi.NanowattHours{}
	for _, f := range finish(l).Facts {
		assert.False(t, f.Measured, "by memory is an estimate")
		got[f.Project] = f.Energy
	}
	assert.Equal(t, map[string]kpi.NanowattHours{"helpdesk": 400_000_000, "research": 400_000_000, kpi.Idle: 200_000_000}, got)
}

func TestALostGPUIsSilentAndThenSpansTheTime(t *testing.T) {
	host := newFakeHost(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 1)
	l := testLedger(t, state{})
	pass(l, host.snapshot())
	host.devices[0].Lost = "GPU is lost"
	for range 30 {
		host.clock = host.clock.Add(time.Second)
		host.draw(0, 1000)
		if e, isCut := pass(l, host.snapshot()); isCut {
			assert.Empty(t, e.Samples)
		}
	}
	assert.Equal(t, "GPU is lost", l.cut(false).entry.Devices[0].Lost, "the warehouse hears of it")
	host.devices[0].Lost, host.devices[0].Gaps = "", 1
	host.clock = host.clock.Add(time.Second)
	e, isCut := pass(l, host.snapshot())
	require.True(t, isCut)
	require.Len(t, e.Samples, 1)
	assert.Equal(t, 31*time.Second, e.Samples[0].Time.Sub(e.Samples[0].Start))
	assert.Equal(t, 1, e.Samples[0].Gaps)
	assert.Equal(t, int64(kpi.NanowattHoursBetween(0, 30_000)), *e.Samples[0].Energy)
}

func TestAClockThatWasNeverSetIsWaitedFor(t *testing.T) {
	host := newFakeHost(time.Date(1970, 1, 1, 0, 0, 7, 0, time.UTC), 1)
	l := testLedger(t, state{Meters: map[string]meter{"GPU-0": {Metered: true, Counter: pointer(int64(0)), Time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Boot: "boot"}}})
	host.draw(0, 5000)
	_, isCut := pass(l, host.snapshot())
	assert.False(t, isCut)
	host.clock = time.Date(2026, 11, 20, 12, 5, 0, 0, time.UTC)
	host.draw(0, 5000)
	e, isCut := pass(l, host.snapshot())
	require.True(t, isCut)
	assert.Equal(t, int64(kpi.NanowattHoursBetween(0, 10_000)), *e.Samples[0].Energy)
	for _, f := range finish(l).Facts {
		assert.Equal(t, kpi.Unallocated, f.Project, "nobody watched")
	}
}

// What was cut is what happened, whichever way the minutes, the clock and thinning cut it.
func TestThinningKeepsTheSums(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		host := newFakeHost(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), 2)
		l := testLedger(rt, state{})
		var payloads [][]byte
		keep := func(e entry) {
			payload, err := json.Marshal(e)
			require.NoError(rt, err)
			payloads = append(payloads, payload)
		}
		first, _ := pass(l, host.snapshot())
		keep(first)
		for range rapid.IntRange(1, 60).Draw(rt, "snapshots") {
			host.clock = host.clock.Add(time.Duration(rapid.IntRange(-20, 60).Draw(rt, "seconds")) * time.Second)
			for i := range host.devices {
				host.draw(i, rapid.Int64Range(0, 1e7).Draw(rt, "millijoules"))
				host.devices[i].Processes = nil
				if share := rapid.Float64Range(0, 1).Draw(rt, "utilisation"); share > 0.2 {
					host.devices[i].Processes = []gpu.Process{{PID: 11 + i, Utilization: &share}}
				}
			}
			if e, isCut := pass(l, host.snapshot()); isCut {
				keep(e)
			}
		}
		host.clock = host.clock.Add(time.Hour) // a time that no interval ended at
		l.observe(host.snapshot())
		keep(finish(l))
		sums := func(payloads [][]byte) (samples, facts, perGPU map[string]float64, last state) {
			samples, facts, perGPU = map[string]float64{}, map[string]float64{}, map[string]float64{}
			for _, payload := range payloads {
				var e entry
				require.NoError(rt, json.Unmarshal(payload, &e))
				for _, s := range e.Samples {
					require.NoError(rt, s.Validate())
					samples[s.UUID] += float64(*s.Energy)
					samples["attributed "+s.UUID] += float64(*s.Attributed)
				}
				for _, f := range e.Facts {
					event := f.event()
					require.NoError(rt, event.Validate(host.clock.Add(24*time.Hour)))
					facts[f.Project+f.GPU] += float64(f.Energy)
					perGPU[f.GPU] += float64(f.Energy)
				}
				last = e.State
			}
			return samples, facts, perGPU, last
		}
		samples, facts, perGPU, last := sums(payloads)
		for i, device := range host.devices {
			want := float64(kpi.NanowattHoursBetween(0, host.truth[i]))
			require.Equal(rt, want, samples[device.UUID])
			require.Equal(rt, want, perGPU[device.UUID])
		}
		for level := 1; level <= levels; level++ {
			results, err := thinEntries(payloads, level)
			require.NoError(rt, err)
			standFor := 0
			var thinned [][]byte
			for _, result := range results {
				standFor += result.records
				thinned = append(thinned, result.payload)
			}
			require.Equal(rt, len(payloads), standFor)
			thinSamples, thinFacts, _, thinLast := sums(thinned)
			require.Equal(rt, samples, thinSamples)
			require.Equal(rt, facts, thinFacts)
			require.Equal(rt, last, thinLast)
			payloads = thinned
		}
	})
}
