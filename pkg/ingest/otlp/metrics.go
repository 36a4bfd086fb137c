package otlp

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what the receiver says of itself.
type metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec // by signal, transport and outcome
	items    *prometheus.CounterVec // spans and data points, by signal and outcome

	stored, unchanged, withoutEnergy, writeErrors, late prometheus.Counter
	lastWrite                                           prometheus.Gauge
}

// The outcomes of spans and data points.
const (
	itemCounted    = "counted"
	itemNested     = "nested"
	itemIgnored    = "ignored"
	itemDropped    = "dropped"
	itemFailed     = "failed"
	itemNotCounted = "not_counted"
	itemRejected   = "rejected"
)

func newMetrics(inFlight, waiting func() float64) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	const namespace, subsystem = "wattscore", "otlp"
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	vector := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, value))
	}
	m.requests = vector("requests_total", "Export requests answered, by what was answered.", "signal", "transport", "outcome")
	m.items = vector("items_total", "Spans and data points of requests that were acknowledged, by what became of them.", "signal", "outcome")
	m.stored = counter("events_stored_total", "Events that are new in the warehouse.")
	m.unchanged = counter("events_unchanged_total", "Events that were in the warehouse already: something was sent again.")
	m.withoutEnergy = counter("requests_without_energy_total", "Requests of models that no intensity is known of.")
	m.writeErrors = counter("write_errors_total", "Transactions that failed; senders were told to try again.")
	m.late = counter("late_spans_total", "Spans between two calls that came after both had counted.")
	m.lastWrite = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: "last_write_timestamp_seconds", Help: "When the warehouse last took something."})
	m.registry.MustRegister(m.lastWrite)
	gauge("requests_in_flight", "Export requests that are being read or wait for their commit.", inFlight)
	gauge("requests_waiting", "Export requests that wait for a transaction.", waiting)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// note counts what became of the items of an acknowledged request.
func (m *metrics) note(signal string, counted int, t tally, o outcome) {
	for outcome, count := range map[string]int{
		itemCounted: counted, itemNested: o.nested, itemIgnored: t.ignored, itemDropped: t.dropped, itemFailed: t.failed,
		itemNotCounted: t.notCounted, itemRejected: t.rejected.count + o.rejected.count,
	} {
		if count > 0 {
			m.items.WithLabelValues(signal, outcome).Add(float64(count))
		}
	}
}
