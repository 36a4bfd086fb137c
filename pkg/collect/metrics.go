package collect

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what the agent says of itself.
type metrics struct {
	registry *prometheus.Registry

	snapshots, intervals, unspooled          prometheus.Counter
	samples, facts, rejected, deliveryErrors prometheus.Counter
	clockSteps                               prometheus.Counter
	energy, gaps                             *prometheus.CounterVec
	lastSnapshot, lastDelivery               prometheus.Gauge
}

func newMetrics(spool *spool) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "wattscore", Subsystem: "collect", Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	byGPU := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "wattscore", Subsystem: "collect", Name: name, Help: help}, []string{"gpu"})
		m.registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "wattscore", Subsystem: "collect", Name: name, Help: help})
		m.registry.MustRegister(g)
		return g
	}
	ofSpool := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "wattscore", Subsystem: "collect", Name: name, Help: help}, value))
	}
	m.snapshots = counter("snapshots_total", "GPU snapshots taken.")
	m.intervals = counter("intervals_total", "Intervals cut and kept on the disk.")
	m.unspooled = counter("uncut_intervals_total", "Intervals that could not be kept on the disk and went into the next; no energy is lost.")
	m.samples = counter("samples_stored_total", "GPU samples that are new in the warehouse.")
	m.facts = counter("facts_stored_total", "Events that are new in the warehouse.")
	m.rejected = counter("rejected_total", "Samples, devices and events that the warehouse refused; they are in rejected.jsonl of the spool.")
	m.deliveryErrors = counter("delivery_errors_total", "Attempts to reach the warehouse that failed and are repeated.")
	m.clockSteps = counter("clock_steps_total", "Intervals over which the host's clock was set.")
	m.energy = byGPU("gpu_energy_joules_total", "IT energy of the GPU's intervals.")
	m.gaps = byGPU("gpu_gaps_total", "Resets, losses and pauses over which energy may be missing.")
	m.lastSnapshot = gauge("last_snapshot_timestamp_seconds", "Time of the newest snapshot.")
	m.lastDelivery = gauge("last_delivery_timestamp_seconds", "When the warehouse last took everything that was waiting.")
	ofSpool("spool_waiting_records", "Records on the disk that the warehouse does not have.", func() float64 {
		records, _ := spool.waiting()
		return float64(records)
	})
	ofSpool("spool_bytes", "Size of the spool on the disk.", func() float64 {
		_, size := spool.waiting()
		return float64(size)
	})
	ofSpool("spool_thinned_records", "Records since the start that were merged into coarser ones, their energy kept.", func() float64 {
		return float64(spool.counts().thinned)
	})
	ofSpool("spool_damaged_records", "Records and torn tails that could not be read since the start.", func() float64 {
		return float64(spool.counts().damaged)
	})
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
