//go:build linux && cgo && nvml

package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkEightGPUs measures what reading eight GPUs ten times a second takes: the
// reader process and what follows it once a second, as a share of one core (the
// limit is 1 %). The driver's own time is not in it, for the driver is a fake one.
func BenchmarkEightGPUs(b *testing.B) {
	d := newDriver(b, "new.so", 8)
	var reader, follower time.Duration
	for b.Loop() {
		short, shortOwn := measure(b, d, shortRun)
		long, longOwn := measure(b, d, longRun)
		reader += long - short // what starting it takes is in both
		follower += longOwn - shortOwn
	}
	percent := func(used time.Duration) float64 {
		return 100 * used.Seconds() / (float64(b.N) * (longRun - shortRun).Seconds())
	}
	b.ReportMetric(percent(reader), "%core-reader")
	b.ReportMetric(percent(follower), "%core-follower")
	b.ReportMetric(percent(reader+follower), "%core")
}

const shortRun, longRun = 2 * time.Second, 12 * time.Second

// measure runs the reader for a while and returns the processor time that it and
// this process took.
func measure(b *testing.B, d *driver, run time.Duration) (reader, follower time.Duration) {
	children, own := processorTime(b, syscall.RUSAGE_CHILDREN), processorTime(b, syscall.RUSAGE_SELF)
	feed, stop := d.follow(100*time.Millisecond, time.Second)
	seen, snapshots := 0, feed.Watch(b.Context())
	for end := time.After(run); end != nil; {
		select {
		case snapshot := <-snapshots:
			seen += len(snapshot.Devices)
		case <-end:
			end = nil
		}
	}
	stop() // a child's time is known when it has ended
	require.Greater(b, seen, 8*int(run/time.Second)/2, "snapshots must have come")
	return processorTime(b, syscall.RUSAGE_CHILDREN) - children, processorTime(b, syscall.RUSAGE_SELF) - own
}

func processorTime(b *testing.B, whose int) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(whose, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
