package bench

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

//go:embed statements/forget_feed.sql
var forgetFeedSQL string

const (
	freshTries = 50
	freshTail  = 10_000
)

// fresh is whether and how fast the next answer has what was just committed.
type fresh struct {
	seen  int // of freshTries
	taken sample
}

// timeFreshness writes an event and asks at once, with a tail of facts that are not
// rolled up. One and the same data source is asked throughout: what it keeps of an
// answer must not hide what came after.
func (b *bench) timeFreshness(ctx context.Context, l loaded) (result fresh, err error) {
	err = b.runner.Do("Write an event and ask at once, with a tail of "+inWords(freshTail)+" facts that are not rolled up", func() error {
		writers, err := b.server.writers(ctx, l.database)
		if err != nil {
			return err
		}
		defer writers.Close()
		pool, err := warehouse.OpenReadOnly(ctx, b.server.connection(l.database))
		if err != nil {
			return err
		}
		defer pool.Close()
		store, now := warehouse.OpenStore(writers), time.Now()
		if err := writeAll(ctx, store, feedEvents(1, freshTail, now), now); err != nil {
			return err
		}
		viewer := plugin.NewInstanceOn(pool, company)
		question := backend.DataQuery{RefID: "A", JSON: []byte(`{"queryType":"energyScore","options":{"total":true}}`),
			TimeRange: backend.TimeRange{From: now.AddDate(0, 0, -90), To: now.Add(time.Hour)}}
		requests := func() (float64, error) {
			responses, err := ask(ctx, viewer, question)
			if err != nil {
				return 0, err
			}
			frame, err := firstFrame(responses)
			if err != nil {
				return 0, err
			}
			return sumOf("requests")(frame)
		}
		before, err := requests()
		if err != nil {
			return err
		}
		for try := range freshTries {
			event := feedEvent(2, try, freshTries, now)
			if err := writeAll(ctx, store, []warehouse.Event{event}, now); err != nil {
				return err
			}
			began := time.Now()
			after, err := requests()
			if err != nil {
				return err
			}
			result.taken = append(result.taken, time.Since(began))
			if after == before+float64(event.Requests) {
				result.seen++
			} else {
				fmt.Fprintf(b.out, "  the answer after event %d has %g requests, not %g\n", try, after, before+float64(event.Requests))
			}
			before = after
		}
		if b.keep == keepNothing {
			return nil
		}
		return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
			_, err := connection.Exec(ctx, forgetFeedSQL)
			return err
		})
	})
	return result, err
}
