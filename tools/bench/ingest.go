package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const (
	ingestRows  = 300_000
	ingestBatch = 10_000
	ingestLimit = 0.7 // of a bare COPY's rows a second
	// ingestPairs is how often the two ways take turns, so that a slow moment of the
	// machine falls on both.
	ingestPairs = 9
	// ingestWatchEvery is how often the watcher rolls up. A tenth of its own default,
	// as the rows are in within seconds.
	ingestWatchEvery = time.Second
)

// ingested is how many rows a second come in.
type ingested struct {
	writers     int
	bare, whole sample // the time that ingestRows take: a bare COPY, and ours with roll-ups
}

func (i ingested) ratio() float64 { return ratio(i.bare.median(), i.whole.median()) }

func perSecond(d time.Duration) float64 { return ingestRows / d.Seconds() }

// timeIngest loads the same rows into equal databases, by COPY straight into the
// table of facts and by the Store, which finds what is there already, makes new
// members and rolls up.
func (b *bench) timeIngest(ctx context.Context, writers int) (ingested, error) {
	result := ingested{writers: writers}
	title := fmt.Sprintf("Take in %s rows by bare COPY and with roll-ups, writers: %d", inWords(ingestRows), writers)
	err := b.runner.Do(title, func() error {
		for range ingestPairs {
			bare, err := b.ingestOnce(ctx, writers, copyRows)
			if err != nil {
				return fmt.Errorf("by COPY: %w", err)
			}
			whole, err := b.ingestOnce(ctx, writers, storeRows)
			if err != nil {
				return fmt.Errorf("with roll-ups: %w", err)
			}
			result.bare, result.whole = append(result.bare, bare), append(result.whole, whole)
		}
		return nil
	})
	return result, err
}

// prepared is a writer's share of the rows, ready to be sent either way.
type prepared struct {
	events []warehouse.Event
	rows   [][]any
}

func (b *bench) ingestOnce(ctx context.Context, writers int, write func(context.Context, *pgxpool.Pool, []prepared) error) (took time.Duration, err error) {
	const database = "bench_ingest"
	if err := b.server.create(ctx, database); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, b.server.drop(context.WithoutCancel(ctx), database)) }()
	pool, err := b.server.writers(ctx, database)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	now := time.Now()
	// Every member is there before, and every month.
	store := warehouse.OpenStore(pool)
	if err := writeAll(ctx, store, feedEvents(0, feedCombinations, now), now); err != nil {
		return 0, err
	}
	if _, err := pool.Exec(ctx, "SELECT wattscore.ensure_partitions($1, $2)", now.AddDate(0, 0, -2), now); err != nil {
		return 0, err
	}
	keys, err := readKeys(ctx, pool)
	if err != nil {
		return 0, err
	}
	shares := make([]prepared, writers)
	for i := range shares {
		shares[i].events = feedEvents(uint16(i+1), ingestRows/writers, now)
		for j := range shares[i].events {
			shares[i].rows = append(shares[i].rows, keys.row(&shares[i].events[j]))
		}
	}
	if _, err := pool.Exec(ctx, "CHECKPOINT"); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := write(ctx, pool, shares); err != nil {
		return 0, err
	}
	took = time.Since(began)
	var count int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM wattscore.inference_energy_fact").Scan(&count); err != nil {
		return 0, err
	}
	if want := ingestRows/writers*writers + feedCombinations; count != want {
		return 0, fmt.Errorf("%d facts are there, not %d", count, want)
	}
	return took, nil
}

// keys are the dimensions' by name.
type keys struct{ models, projects, regions, endpoints map[string]int32 }

func readKeys(ctx context.Context, pool *pgxpool.Pool) (keys, error) {
	k := keys{map[string]int32{}, map[string]int32{}, map[string]int32{}, map[string]int32{}}
	for statement, into := range map[string]map[string]int32{
		"SELECT name, model_id FROM wattscore.model": k.models, "SELECT name, project_id FROM wattscore.project": k.projects,
		"SELECT code, region_id FROM wattscore.region": k.regions, "SELECT name, endpoint_id FROM wattscore.endpoint": k.endpoints,
	} {
		rows, err := pool.Query(ctx, statement)
		if err != nil {
			return k, err
		}
		var name string
		var id int32
		if _, err := pgx.ForEachRow(rows, []any{&name, &id}, func() error { into[name] = id; return nil }); err != nil {
			return k, err
		}
	}
	return k, nil
}

var copyColumns = []string{"event_id", "ts", "model_id", "project_id", "region_id", "endpoint_id", "workload_id", "measured", "requests",
	"input_tokens", "output_tokens", "it_energy_nwh", "latency_us", "gpu_microhours", "gpu_memory_microhours", "source"}

func (k keys) row(e *warehouse.Event) []any {
	const inference = int16(1)
	return []any{[16]byte(e.ID), e.Time, k.models[e.Model], k.projects[e.Project], k.regions[e.Region], k.endpoints[e.Endpoint], inference,
		e.Measured, e.Requests, e.InputTokens, e.OutputTokens, int64(float64(e.ITEnergy) * 1e12), e.Latency.Microseconds(),
		int64(e.GPUHours * 1e6), int64(e.GPUMemoryHours * 1e6), e.Source}
}

func copyRows(ctx context.Context, pool *pgxpool.Pool, shares []prepared) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, share := range shares {
		group.Go(func() error {
			_, err := pool.CopyFrom(ctx, pgx.Identifier{"wattscore", "inference_energy_fact"}, copyColumns, pgx.CopyFromRows(share.rows))
			return err
		})
	}
	return group.Wait()
}

// storeRows stores each share, with a watcher beside the writers that rolls up what is
// committed, as `wattctl rollup watch` does, and is done when all is rolled up.
func storeRows(ctx context.Context, pool *pgxpool.Pool, shares []prepared) error {
	store := warehouse.OpenStore(pool)
	now := time.Now()
	stored := make(chan struct{})
	var watcher errgroup.Group
	watcher.Go(func() error {
		tick := time.NewTicker(ingestWatchEvery)
		defer tick.Stop()
		for {
			select {
			case <-stored:
				return nil
			case <-tick.C:
				if _, err := store.RefreshRollups(ctx); err != nil {
					return err
				}
			}
		}
	})
	group, groupCtx := errgroup.WithContext(ctx)
	for _, share := range shares {
		group.Go(func() error { return writeAll(groupCtx, store, share.events, now) })
	}
	err := group.Wait()
	close(stored)
	if err := errors.Join(err, watcher.Wait()); err != nil {
		return err
	}
	return pool.AcquireFunc(ctx, func(connection *pgxpool.Conn) error { return refresh(ctx, connection.Conn()) })
}

// writeAll stores events in batches; one that is refused or was there is an error.
func writeAll(ctx context.Context, store *warehouse.Store, events []warehouse.Event, now time.Time) error {
	for from := 0; from < len(events); from += ingestBatch {
		batch := events[from:min(from+ingestBatch, len(events))]
		result, err := store.WriteEvents(ctx, batch, now)
		if err != nil {
			return err
		}
		if len(result.Rejected) > 0 {
			return fmt.Errorf("event %d is refused: %w", from+result.Rejected[0].Index, result.Rejected[0].Reason)
		}
		if result.Stored != len(batch) {
			return fmt.Errorf("%d of %d events are new", result.Stored, len(batch))
		}
	}
	return nil
}
