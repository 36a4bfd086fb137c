package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

//go:embed statements/gpu_samples.sql
var gpuSamplesSQL string

//go:embed statements/provider_figures.sql
var providerFiguresSQL string

const (
	warmUp = 10 // so that every statement was planned on every connection it comes to
	rounds = 60
	// After patience, fewestRounds are enough.
	patience     = time.Minute
	fewestRounds = 10
)

// answerTimes is how long a query type takes to answer.
type answerTimes struct {
	queryType string
	quarter   sample // a whole fiscal quarter
	ninety    sample // the 90 days before now, which begin and end within an hour
}

// String is a line of the two ranges' p50 and p95.
func (a answerTimes) String() string {
	return fmt.Sprintf("  %-20s %10s%10s   %10s%10s", a.queryType, milliseconds(a.quarter.median()), milliseconds(a.quarter.p95()),
		milliseconds(a.ninety.median()), milliseconds(a.ninety.p95()))
}

// timeAnswers times every query type in its default form.
func (b *bench) timeAnswers(ctx context.Context, l loaded) (times []answerTimes, err error) {
	title := fmt.Sprintf("Ask every query type of %s facts, %s", inWords(l.facts), l.shape.name)
	err = b.runner.Do(title, asThePlugin(func() error {
		fmt.Fprintf(b.out, "  %-20s %20s   %20s\n", "p50, p95", "a quarter", "90 days")
		pool, err := warehouse.OpenReadOnly(ctx, b.server.connection(l.database))
		if err != nil {
			return err
		}
		defer pool.Close()
		quarter, err := lastQuarter(l.span.to)
		if err != nil {
			return err
		}
		for _, t := range query.Types() {
			of := answerTimes{queryType: t.Name}
			switch t.Name {
			case "gpuLive": // answers of now, whatever range is asked
				if err := b.sampleGPUs(ctx, l); err != nil {
					return fmt.Errorf("write GPU samples: %w", err)
				}
			case "reconciliation":
				if err := b.stateFigures(ctx, l); err != nil {
					return fmt.Errorf("write providers' figures: %w", err)
				}
			}
			if of.quarter, err = timeQuestion(ctx, pool, func(int) backend.DataQuery { return asked(t.Name, quarter) }); err != nil {
				return fmt.Errorf("%s of a quarter: %w", t.Name, err)
			}
			if of.ninety, err = timeQuestion(ctx, pool, func(round int) backend.DataQuery { return asked(t.Name, ninetyDays(l.span.to, round)) }); err != nil {
				return fmt.Errorf("%s of 90 days: %w", t.Name, err)
			}
			times = append(times, of)
			fmt.Fprintln(b.out, of)
		}
		return nil
	}))
	return times, err
}

// sampleGPUs writes what the agents on the company's GPU hosts would have by now.
func (b *bench) sampleGPUs(ctx context.Context, l loaded) error {
	return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		if _, err := connection.Exec(ctx, "SELECT wattscore.ensure_partitions(now() - interval '1 hour', now())"); err != nil {
			return err
		}
		if _, err := connection.Exec(ctx, gpuSamplesSQL, pgx.NamedArgs{"gpus": l.shape.assets}); err != nil {
			return err
		}
		_, err := connection.Exec(ctx, "VACUUM (ANALYZE) wattscore.gpu_sample, wattscore.gpu_energy, wattscore.gpu_device")
		return err
	})
}

// stateFigures writes what the company's clouds state of the same months, anew each
// time.
func (b *bench) stateFigures(ctx context.Context, l loaded) error {
	return b.server.on(ctx, l.database, func(connection *pgx.Conn) error {
		if _, err := connection.Exec(ctx, "TRUNCATE wattscore.provider_figure, wattscore.provider_import"); err != nil {
			return err
		}
		if _, err := connection.Exec(ctx, providerFiguresSQL, pgx.NamedArgs{"from_time": l.span.from, "to_time": l.span.to}); err != nil {
			return err
		}
		_, err := connection.Exec(ctx, "VACUUM (ANALYZE) wattscore.provider_figure, wattscore.provider_import")
		return err
	})
}

// timeQuestion asks time and again, each time a data source that has not answered
// it before. What takes very long is asked less often, and what is not answered
// within the time limit once.
func timeQuestion(ctx context.Context, pool *pgxpool.Pool, question func(round int) backend.DataQuery) (sample, error) {
	var taken sample
	end := time.Now().Add(patience)
	for round := range warmUp + rounds {
		viewer, err := newViewer(ctx, pool)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		responses, err := ask(ctx, viewer, question(round))
		took := time.Since(began)
		if errors.Is(err, errTimeout) {
			return sample{took}, nil
		}
		if err != nil {
			return nil, err
		}
		if _, err := firstFrame(responses); err != nil {
			return nil, err
		}
		if round >= warmUp {
			taken = append(taken, took)
		}
		if len(taken) >= fewestRounds && time.Now().After(end) {
			break
		}
	}
	return taken, nil
}
