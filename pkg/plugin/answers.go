package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// answers remembers what was asked while nothing was committed since, and lets
// viewers who ask the same thing at once wait for one answer. An answer belongs to
// a state of the database: as soon as anything is committed the state is another
// and the answer is made anew, so no number is ever stale.
type answers struct {
	mu      sync.Mutex
	flights map[question]*flight
	kept    *lru.Cache[question, keptAnswer]
}

// question is a query on a state of the database.
type question struct {
	state string // see warehouse.Reader.State
	query string
}

type keptAnswer struct {
	frames data.Frames
	made   time.Time
}

// flight is an answer on its way.
type flight struct {
	done    chan struct{}
	frames  data.Frames
	err     error
	waiters int
	cancel  context.CancelFunc // called when the last waiter has gone
}

const (
	answersKept = 256
	// An answer of more cells is a download, not a panel.
	cellsKept = 10_000
	// What is not over yet is projected to its end from the time of asking, so such an
	// answer ages though nothing is committed.
	presentAges = 10 * time.Second
)

func newAnswers() *answers {
	kept, err := lru.New[question, keptAnswer](answersKept)
	if err != nil {
		panic(err) // only a size of 0 is an error
	}
	return &answers{flights: map[question]*flight{}, kept: kept}
}

// answer returns the frames of a request, made now or while the state was the same.
func (a *answers) answer(ctx context.Context, reader *warehouse.Reader, request query.Request, q backend.DataQuery) (data.Frames, error) {
	state, err := reader.State(ctx)
	if err != nil {
		return nil, err
	}
	asked := question{state: state, query: questionText(request, q)}
	if kept, ok := a.kept.Get(asked); ok && (!reachesPresent(request, kept.made) || request.Now.Sub(kept.made) < presentAges) {
		return kept.frames, nil
	}

	a.mu.Lock()
	f, ok := a.flights[asked]
	if !ok {
		var flying context.Context
		f = &flight{done: make(chan struct{})}
		flying, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
		a.flights[asked] = f
		go a.fly(flying, f, asked, reader, request)
	}
	f.waiters++
	a.mu.Unlock()

	select {
	case <-f.done:
		return f.frames, f.err
	case <-ctx.Done():
		a.leave(asked, f)
		return nil, context.Cause(ctx)
	}
}

func (a *answers) fly(ctx context.Context, f *flight, asked question, reader *warehouse.Reader, request query.Request) {
	defer f.cancel()
	defer func() {
		if fault := recover(); fault != nil { // it would end the plugin, for every data source
			f.err = fmt.Errorf("the query %s panicked: %v", request.Type.Name, fault)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.flights[asked] == f {
			delete(a.flights, asked)
		}
		close(f.done)
	}()
	f.frames, f.err = request.Answer(ctx, reader)
	if f.err != nil || cells(f.frames) > cellsKept {
		return
	}
	// What was committed meanwhile may be in a part of the answer.
	if state, err := reader.State(ctx); err == nil && state == asked.state {
		a.kept.Add(asked, keptAnswer{frames: f.frames, made: request.Now})
	}
}

// leave ends a flight that nobody waits for any more, and its statement with it.
func (a *answers) leave(asked question, f *flight) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if a.flights[asked] == f {
			delete(a.flights, asked)
		}
	}
}

// questionText is all that an answer depends on but the state and, for a range
// that reaches into the present, the time. Ranges that differ within the hour are
// the same question, as the roll-ups are by the hour.
func questionText(request query.Request, q backend.DataQuery) string {
	span := request.Span
	if request.ByTheHour() {
		// Hours begin at a quarter of one of UTC in every zone there is.
		span = kpi.Span{From: span.From.Truncate(15 * time.Minute), To: span.To.Add(15*time.Minute - 1).Truncate(15 * time.Minute)}
	}
	return fmt.Sprint(span.From.UnixNano(), span.To.UnixNano(), q.MaxDataPoints, q.Interval, q.QueryType, sameText(q.JSON))
}

// sameText is a query's JSON without what tells panels apart and not questions.
func sameText(text json.RawMessage) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return string(text)
	}
	for _, name := range []string{"refId", "key", "hide", "datasource", "datasourceId", "intervalMs", "maxDataPoints"} {
		delete(fields, name)
	}
	sorted, err := json.Marshal(fields)
	if err != nil {
		return string(text)
	}
	return string(sorted)
}

// reachesPresent says whether the last step of an answer was not over when it was
// made. The step that a range ends in goes on after it, for a year at most.
func reachesPresent(request query.Request, made time.Time) bool {
	return request.Span.To.AddDate(1, 0, 0).After(made)
}

func cells(frames data.Frames) int {
	count := 0
	for _, frame := range frames {
		count += frame.Rows() * len(frame.Fields)
	}
	return count
}
