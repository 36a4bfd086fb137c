package otlp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// receiver takes requests of any transport to the writer and waits for their commit.
type receiver struct {
	mapping Mapping
	around  *environment
	metrics *metrics
	slots   chan struct{} // one for each request that is in memory

	mu     sync.RWMutex
	queue  chan *submission
	closed bool
}

// refusal is why a request was not acknowledged.
type refusal struct {
	kind    refusalKind
	message string
}

type refusalKind int

const (
	refusedBusy        refusalKind = iota // retryable: more at once than fits
	refusedUnavailable                    // retryable: the warehouse is away
	refusedInvalid                        // never to be sent again
	refusedTooLarge
	refusedToken
)

func (r *refusal) Error() string { return r.message }

// outcome is the refusal's name in the metrics.
func (r *refusal) outcome() string {
	return map[refusalKind]string{refusedBusy: "busy", refusedUnavailable: "unavailable", refusedInvalid: "invalid", refusedTooLarge: "too_large", refusedToken: "unauthenticated"}[r.kind]
}

// retryAfter is when a refused sender may try again; 0: never.
func (r *refusal) retryAfter() time.Duration {
	switch r.kind {
	case refusedBusy:
		return time.Second
	case refusedUnavailable:
		return 5 * time.Second
	default:
		return 0
	}
}

var errBusy = &refusal{refusedBusy, "the receiver is busy: try again"}

// enter takes a place for a request, if there is one.
func (r *receiver) enter() bool {
	select {
	case r.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (r *receiver) leave() { <-r.slots }

// traces counts the calls of a request and answers when they are committed.
func (r *receiver) traces(ctx context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	response := ptraceotlp.NewExportResponse()
	around, err := r.surroundings(ctx)
	if err != nil {
		return response, err
	}
	spans, counted := r.mapping.readSpans(request.Traces(), around)
	result, err := r.submit(ctx, &submission{spans: spans})
	if err != nil {
		return response, err
	}
	r.metrics.note("traces", result.events, counted, result)
	if all := joined(counted.rejected, result.rejected); all.count > 0 {
		response.PartialSuccess().SetRejectedSpans(int64(all.count))
		response.PartialSuccess().SetErrorMessage(all.message("spans"))
	}
	return response, nil
}

// measurements counts the data points of a request and answers when they are committed.
func (r *receiver) measurements(ctx context.Context, request pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	response := pmetricotlp.NewExportResponse()
	around, err := r.surroundings(ctx)
	if err != nil {
		return response, err
	}
	points, counted, uncounted := r.mapping.readPoints(request.Metrics(), around)
	result, err := r.submit(ctx, &submission{points: points})
	if err != nil {
		return response, err
	}
	r.metrics.note("metrics", len(points)-result.rejected.count, counted, result)
	all := joined(counted.rejected, result.rejected)
	var messages []string
	if all.count > 0 {
		response.PartialSuccess().SetRejectedDataPoints(int64(all.count))
		messages = append(messages, all.message("data points"))
	}
	if len(uncounted) > 0 {
		messages = append(messages, fmt.Sprintf("the gen_ai metrics of the service %s do not count, because its spans do; to count by metrics instead, say so in the mapping (count: %s)",
			strings.Join(quoted(uncounted), ", "), CountClientMetrics))
	}
	response.PartialSuccess().SetErrorMessage(strings.Join(messages, "; "))
	return response, nil
}

func quoted(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = fmt.Sprintf("%q", text)
	}
	return all
}

func joined(a, b rejections) rejections {
	a.count += b.count
	a.reasons = append(a.reasons[:len(a.reasons):len(a.reasons)], b.reasons...)
	return a
}

func (r rejections) message(of string) string {
	return fmt.Sprintf("%d %s cannot be counted: %s", r.count, of, strings.Join(r.reasons, "; "))
}

func (r *receiver) surroundings(ctx context.Context) (*surroundings, error) {
	around, err := r.around.read(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	return around, nil
}

func unavailable(err error) *refusal {
	return &refusal{refusedUnavailable, fmt.Sprintf("nothing was stored, try again: %v", publicReason(err))}
}

// publicReason is what a sender may know of the warehouse: whether it answers.
func publicReason(err error) string {
	var problem *warehouse.Problem
	if errors.As(warehouse.Explain(err), &problem) {
		return fmt.Sprintf("the warehouse does not take it now (%s)", problem.Kind)
	}
	return "the warehouse does not take it now"
}

// submit hands a submission to the writer and waits until it is committed, or refused.
func (r *receiver) submit(ctx context.Context, s *submission) (outcome, error) {
	if len(s.spans) == 0 && len(s.points) == 0 {
		return outcome{}, nil
	}
	s.done = make(chan outcome, 1)
	if err := r.enqueue(s); err != nil {
		return outcome{}, err
	}
	select {
	case result := <-s.done:
		switch {
		case isRefused(result.err):
			return result, &refusal{refusedInvalid, "the warehouse refuses what the request holds, and always will"}
		case result.err != nil:
			return result, unavailable(result.err)
		}
		return result, nil
	case <-ctx.Done(): // it may be stored all the same, and sent again it changes nothing
		return outcome{}, &refusal{refusedUnavailable, "the request ended before it was committed"}
	}
}

func (r *receiver) enqueue(s *submission) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return &refusal{refusedUnavailable, "the receiver is stopping"}
	}
	select {
	case r.queue <- s:
		return nil
	default:
		return errBusy
	}
}

// close ends the queue; what waits in it is still written.
func (r *receiver) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
}
