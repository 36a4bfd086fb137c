package otlp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// eventSource is what events say wrote them.
const eventSource = "otlp"

// namespace sets our ids apart from all other UUIDs of version 5.
var namespace = uuid.MustParse("5d9f4a0e-70cf-4cb4-8f2c-3f1a6f0b9c55")

// span is a span as far as it matters here: where it stands in its trace and, where it
// is a call to a model, the call. Most spans are none.
type span struct {
	key, parent uuid.UUID // parent is nil of a root
	call        *call
}

// call is a call to a model that may count as a request.
type call struct {
	event warehouse.Event // without energy
	place placement
}

// tally counts what became of spans or data points.
type tally struct {
	ignored    int // no call to a model
	dropped    int // left out by a rule
	failed     int // calls that failed and read no token
	notCounted int // of a service that counts by its other signal
	rejected   rejections
}

// rejections are spans or data points that cannot be counted, with reasons.
type rejections struct {
	count   int
	reasons []string // the first few that differ
}

const mostReasons = 3

func (r *rejections) add(reason error) {
	r.count++
	text := reason.Error()
	for _, known := range r.reasons {
		if known == text {
			return
		}
	}
	if len(r.reasons) < mostReasons {
		r.reasons = append(r.reasons, text)
	}
}

// spanKey is the id of a span, and of its event.
func spanKey(trace pcommon.TraceID, id pcommon.SpanID) uuid.UUID {
	var content [24]byte
	copy(content[:16], trace[:])
	copy(content[16:], id[:])
	return uuid.NewSHA1(namespace, content[:])
}

// readSpans takes the calls out of traces.
func (m Mapping) readSpans(traces ptrace.Traces, around *surroundings) (spans []span, counted tally) {
	for _, ofResource := range traces.ResourceSpans().All() {
		resource := ofResource.Resource().Attributes()
		count := m.count(resource)
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, s := range ofScope.Spans().All() {
				read, err := m.readSpan(s, attributes{s.Attributes(), resource}, count, around, &counted)
				if err != nil {
					counted.rejected.add(err)
				}
				if read.key != uuid.Nil {
					spans = append(spans, read)
				}
			}
		}
	}
	return spans, counted
}

// readSpan reads a span. One whose call cannot be counted keeps its place in the trace.
func (m Mapping) readSpan(s ptrace.Span, a attributes, count Count, around *surroundings, counted *tally) (read span, err error) {
	operation, isCall := m.operation(s)
	if s.TraceID().IsEmpty() || s.SpanID().IsEmpty() {
		if isCall {
			return read, errors.New("the span has no trace id and span id, so it could not be told from its repetition")
		}
		counted.ignored++
		return read, nil
	}
	read.key = spanKey(s.TraceID(), s.SpanID())
	if parent := s.ParentSpanID(); !parent.IsEmpty() && parent != s.SpanID() {
		read.parent = spanKey(s.TraceID(), parent)
	}
	if !isCall {
		counted.ignored++
		return read, nil
	}
	if count != CountSpans {
		counted.notCounted++
		return read, nil
	}
	c, outcome, err := m.readCall(s, a, operation, around)
	switch {
	case err != nil:
		return read, err
	case outcome == callDropped:
		counted.dropped++
	case outcome == callFailed:
		counted.failed++
	default:
		c.event.ID = read.key
		read.call = &c
	}
	return read, nil
}

// operation returns what kind of call a span is. Model servers and some gateways name
// no operation; what they say of tokens makes theirs a call.
func (m Mapping) operation(s ptrace.Span) (operation string, isCall bool) {
	value, _ := lookup(s.Attributes(), attributeOperation)
	if named := strings.ToLower(scalarOrEmpty(value)); named != "" {
		if present, ok := formerOperations[named]; ok {
			named = present
		}
		return named, m.counts(named)
	}
	_, input := lookup(s.Attributes(), attributeInputTokens)
	_, output := lookup(s.Attributes(), attributeOutputTokens)
	_, requested := s.Attributes().Get(attributeRequestModel)
	_, responded := s.Attributes().Get(attributeResponseModel)
	_, byID := s.Attributes().Get("gen_ai.request.id") // vLLM's, which may name no model
	return unnamedOperation, (input || output) && (requested || responded || byID) && m.counts(unnamedOperation)
}

func scalarOrEmpty(value pcommon.Value) string {
	if value == (pcommon.Value{}) {
		return ""
	}
	return scalar(value)
}

type callOutcome int

const (
	callRead callOutcome = iota
	callDropped
	callFailed
)

func (m Mapping) readCall(s ptrace.Span, a attributes, operation string, around *surroundings) (c call, outcome callOutcome, err error) {
	place, drop, err := m.place(a, operation)
	if drop {
		return c, callDropped, nil
	}
	if err != nil {
		return c, callRead, err
	}
	input, _, inputErr := tokens(s.Attributes(), attributeInputTokens)
	output, _, outputErr := tokens(s.Attributes(), attributeOutputTokens)
	if err := errors.Join(inputErr, outputErr); err != nil {
		return c, callRead, err
	}
	failed := s.Status().Code() == ptrace.StatusCodeError || a.text(attributeErrorType) != ""
	if failed && input == 0 && output == 0 && !m.file.Failed {
		return c, callFailed, nil
	}
	start, end := s.StartTimestamp(), s.EndTimestamp()
	switch {
	case start == 0:
		return c, callRead, errors.New("the span has no start time")
	case end < start:
		return c, callRead, errors.New("the span ends before it begins")
	}
	place.host = servingHost(s.Kind(), a)
	if err := place.resolveRegion(around); err != nil {
		return c, callRead, err
	}
	lasted := time.Duration(min(uint64(end-start), uint64(longestCall)+1))
	if lasted > longestCall {
		return c, callRead, fmt.Errorf("the span lasts longer than %s", longestCall)
	}
	event := warehouse.Event{
		Time: start.AsTime(), Duration: lasted, Model: place.model, Project: place.project, Endpoint: place.endpoint, Region: place.region,
		Workload: place.workload, Requests: 1, InputTokens: input, OutputTokens: output, Source: eventSource,
	}
	if !failed { // what broke off says nothing of how long an answer takes
		event.Latency = &lasted
	}
	return call{event, place}, callRead, nil
}

// longestCall is longer than any call; a span that lasts longer was never ended.
const longestCall = 24 * time.Hour

// resolveRegion puts the region that the telemetry gave in its place where the
// warehouse has it, else the default.
func (p *placement) resolveRegion(around *surroundings) error {
	if around.regions[p.regionGiven] {
		p.region, p.regionGiven = p.regionGiven, ""
	}
	switch {
	case p.region != "" && around.regions[p.region]:
		return nil
	case p.region != "":
		return fmt.Errorf("the warehouse has no region %q: import its factors, or correct the mapping", p.region)
	case p.regionGiven != "":
		return errors.New("the warehouse does not have the region that the telemetry names: import its factors, name another for it in the mapping, or give --region")
	}
	return errors.New("the telemetry names no region: set " + attributeWarehouseRegion + " or " + attributeRegion + ", or give --region")
}

// servingHost is the host that serves a call, as far as can be told: a client names
// the server, and a server is where its resource says.
func servingHost(kind ptrace.SpanKind, a attributes) string {
	server := a.text(attributeServer)
	local := server == "localhost" || strings.HasPrefix(server, "127.") || server == "::1"
	if kind == ptrace.SpanKindServer || local {
		return a.first([]string{attributeNode, attributeHost})
	}
	return server
}

// contentKey is the id of something that is made of texts, each apart from the others.
func contentKey(texts ...string) uuid.UUID {
	var content []byte
	for _, text := range texts {
		content = binary.AppendUvarint(content, uint64(len(text)))
		content = append(content, text...)
	}
	return uuid.NewSHA1(namespace, content)
}
