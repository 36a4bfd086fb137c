package otlp

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// measure is what a metric stream counts.
type measure int

const (
	measureInput    measure = iota // input tokens
	measureOutput                  // output tokens
	measureRequests                // requests, with their latencies
)

// point is a data point that counts: a reading of a stream.
type point struct {
	stream     uuid.UUID
	cumulative bool
	from, to   int64 // Unix ns; from is 0 where the stream does not say since when it counts
	measure    measure
	reading    reading
	place      placement
}

// longestInterval bounds what one reading of a stream may span, and so the hours that
// it is spread over.
const longestInterval = 31 * 24 * time.Hour

// readPoints takes the readings that count out of metrics. uncounted names the services
// whose metrics do not count.
func (m Mapping) readPoints(metrics pmetric.Metrics, around *surroundings) (points []point, counted tally, uncounted []string) {
	for _, ofResource := range metrics.ResourceMetrics().All() {
		resource := ofResource.Resource().Attributes()
		count := m.count(resource)
		for _, ofScope := range ofResource.ScopeMetrics().All() {
			for _, metric := range ofScope.Metrics().All() {
				if !counts(metric.Name(), count) {
					if isUsage(metric.Name()) {
						counted.notCounted += dataPoints(metric)
						if service := excerpt((attributes{pcommon.NewMap(), resource}).text(attributeService)); count == CountSpans && !slices.Contains(uncounted, service) && len(uncounted) < mostReasons {
							uncounted = append(uncounted, service)
						}
					} else {
						counted.ignored += dataPoints(metric)
					}
					continue
				}
				reader := pointReader{mapping: m, around: around, resource: resource, scope: ofScope.Scope().Name(), metric: metric, counted: &counted}
				points = append(points, reader.read()...)
			}
		}
	}
	return points, counted, uncounted
}

// counts says whether a metric counts for a service that is counted in some way. Tokens
// are known to clients alone; a server that reports them uses the client's name.
func counts(metric string, count Count) bool {
	switch count {
	case CountClientMetrics:
		return metric == metricTokens || metric == metricClientDuration
	case CountServerMetrics:
		return metric == metricTokens || metric == metricServerDuration
	default:
		return false
	}
}

func isUsage(metric string) bool {
	return metric == metricTokens || metric == metricClientDuration || metric == metricServerDuration
}

func dataPoints(metric pmetric.Metric) int {
	switch metric.Type() {
	case pmetric.MetricTypeHistogram:
		return metric.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return metric.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return metric.Sum().DataPoints().Len()
	case pmetric.MetricTypeGauge:
		return metric.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return metric.Summary().DataPoints().Len()
	default:
		return 0
	}
}

// pointReader reads the data points of one metric.
type pointReader struct {
	mapping  Mapping
	around   *surroundings
	resource pcommon.Map
	scope    string
	metric   pmetric.Metric
	counted  *tally
}

func (r pointReader) read() (points []point) {
	take := func(temporality pmetric.AggregationTemporality, common dataPoint, read func() (reading, error)) {
		p, ok, err := r.point(temporality, common, read)
		if err != nil {
			r.counted.rejected.add(fmt.Errorf("%s: %w", r.metric.Name(), err))
		} else if ok {
			points = append(points, p)
		}
	}
	switch r.metric.Type() {
	case pmetric.MetricTypeHistogram:
		for _, d := range r.metric.Histogram().DataPoints().All() {
			take(r.metric.Histogram().AggregationTemporality(), d, func() (reading, error) { return ofHistogram(d) })
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, d := range r.metric.ExponentialHistogram().DataPoints().All() {
			take(r.metric.ExponentialHistogram().AggregationTemporality(), d, func() (reading, error) { return ofExponential(d) })
		}
	case pmetric.MetricTypeSum:
		for _, d := range r.metric.Sum().DataPoints().All() {
			take(r.metric.Sum().AggregationTemporality(), d, func() (reading, error) {
				if !r.metric.Sum().IsMonotonic() {
					return reading{}, errors.New("it is a sum that may fall, which is no count")
				}
				return ofNumber(d)
			})
		}
	default:
		for range dataPoints(r.metric) {
			r.counted.rejected.add(fmt.Errorf("%s: it is a %s: only histograms and rising sums can be counted", r.metric.Name(), strings.ToLower(r.metric.Type().String())))
		}
	}
	return points
}

// dataPoint is what the kinds of data points have in common.
type dataPoint interface {
	Attributes() pcommon.Map
	StartTimestamp() pcommon.Timestamp
	Timestamp() pcommon.Timestamp
	Flags() pmetric.DataPointFlags
}

// point reads a data point; ok is false for one that is none of ours to count.
func (r pointReader) point(temporality pmetric.AggregationTemporality, d dataPoint, read func() (reading, error)) (p point, ok bool, err error) {
	if d.Flags().NoRecordedValue() {
		r.counted.ignored++
		return p, false, nil
	}
	a := attributes{d.Attributes(), r.resource}
	operation := strings.ToLower(a.text(attributeOperation))
	if present, former := formerOperations[operation]; former {
		operation = present
	}
	if operation == "" {
		operation = unnamedOperation
	}
	if !r.mapping.counts(operation) {
		r.counted.ignored++
		return p, false, nil
	}
	if p.measure, ok, err = r.measureOf(a); err != nil || !ok {
		return p, false, err
	}
	if p.measure == measureRequests && a.text(attributeErrorType) != "" && !r.mapping.file.Failed {
		r.counted.failed++
		return p, false, nil
	}
	place, drop, err := r.mapping.place(a, operation)
	if drop {
		r.counted.dropped++
		return p, false, nil
	}
	if err != nil {
		return p, false, err
	}
	p.place = place
	p.place.host = r.host(a)
	if err := p.place.resolveRegion(r.around); err != nil {
		return p, false, err
	}
	switch temporality {
	case pmetric.AggregationTemporalityCumulative:
		p.cumulative = true
	case pmetric.AggregationTemporalityDelta:
	default:
		return p, false, errors.New("it does not say whether it is cumulative or a difference")
	}
	if p.from, p.to, err = interval(d, p.cumulative); err != nil {
		return p, false, err
	}
	if p.reading, err = read(); err != nil {
		return p, false, err
	}
	switch {
	case p.measure == measureRequests && r.metric.Type() == pmetric.MetricTypeSum:
		return p, false, errors.New("it is a sum: how many requests there were cannot be told from it")
	case p.measure != measureRequests:
		// How the tokens divide is not kept; whole tokens are, so that steps add up.
		p.reading = reading{Count: p.reading.Count, Sum: math.Round(p.reading.Sum)}
	}
	p.stream = r.stream(d, p.from)
	return p, true, nil
}

// measureOf says what the metric counts by this data point.
func (r pointReader) measureOf(a attributes) (measure, bool, error) {
	if r.metric.Name() != metricTokens {
		return measureRequests, true, nil
	}
	kind := strings.ToLower(a.text(attributeTokenType))
	if present, former := formerTokenTypes[kind]; former {
		kind = present
	}
	switch kind {
	case "input":
		return measureInput, true, nil
	case "output":
		return measureOutput, true, nil
	case "total":
		r.counted.ignored++ // input and output once more
		return 0, false, nil
	case "":
		return 0, false, fmt.Errorf("it has no %s, so it cannot be told whether it counts input or output", attributeTokenType)
	}
	r.counted.ignored++ // a part of the input or output, such as what was read from a cache
	return 0, false, nil
}

func (r pointReader) host(a attributes) string {
	if r.metric.Name() == metricServerDuration || r.mapping.count(r.resource) == CountServerMetrics {
		return a.first([]string{attributeNode, attributeHost})
	}
	return a.text(attributeServer)
}

// interval returns what a data point is of. A cumulative one may not say since when it
// counts: from is 0.
func interval(d dataPoint, cumulative bool) (from, to int64, err error) {
	start, end := d.StartTimestamp(), d.Timestamp()
	const latest = 1 << 62
	switch {
	case end == 0:
		return 0, 0, errors.New("it has no time")
	case start > latest || end > latest:
		return 0, 0, errors.New("its time is beyond the year 2100")
	case start > end:
		return 0, 0, errors.New("it ends before it begins")
	case start == 0 && !cumulative:
		start = end
	case start != 0 && end.AsTime().Sub(start.AsTime()) > longestInterval && !cumulative:
		return 0, 0, fmt.Errorf("it spans more than %d days", int(longestInterval.Hours()/24))
	}
	return int64(start), int64(end), nil
}

// stream is the id of the stream that a data point is of. Its start time is a part of
// it: a process that starts anew begins another stream, and two processes that are not
// told apart by an attribute do not run into one.
func (r pointReader) stream(d dataPoint, from int64) uuid.UUID {
	texts := []string{r.scope, r.metric.Name(), strconv.FormatInt(from, 10)}
	for _, m := range []pcommon.Map{r.resource, d.Attributes()} {
		raw := map[string]string{}
		for key, value := range m.All() {
			if !holdsContent(key) {
				raw[key] = value.AsString()
			}
		}
		texts = append(texts, strconv.Itoa(len(raw)))
		for _, key := range slices.Sorted(maps.Keys(raw)) {
			texts = append(texts, key, raw[key])
		}
	}
	return contentKey(texts...)
}

// excerpt bounds a text that somebody else chose, for a message.
func excerpt(text string) string {
	const most = 60
	if text = strings.ToValidUTF8(text, "?"); len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
