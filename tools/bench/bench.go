package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// bench is one run.
type bench struct {
	server *server
	runner step.Runner
	out    io.Writer
	root   string
	rows   []row
}

// Run measures every limit, prints the table and puts it into the README. Its
// error is a measurement that could not be made or an answer that is wrong; a limit
// that is missed is no error.
func Run(ctx context.Context, out io.Writer) (err error) {
	facts, err := sizes()
	if err != nil {
		return err
	}
	root, err := project.Root()
	if err != nil {
		return err
	}
	quiet()
	b := &bench{runner: step.Runner{Directory: root, Log: out}, out: out, root: root}
	err = b.runner.Do("Start PostgreSQL", func() (err error) {
		b.server, err = startServer(ctx, out)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	if err := b.measureAll(ctx, facts); err != nil {
		return err
	}
	machine := fmt.Sprintf("%s facts over a year, %d cores, PostgreSQL %s, %s.",
		inWords(facts[len(facts)-1]), runtime.NumCPU(), b.server.version, time.Now().Format("2 January 2006"))
	fmt.Fprintf(out, "\n%s\n", machine)
	writeTable(out, b.rows)
	return writeInto(filepath.Join(root, "README.md"), machine+"\n\n"+markdown(b.rows))
}

// quiet drops the plugin's own log, whose lines on every query would be between
// ours.
func quiet() {
	log.DefaultLogger = log.NewNullLogger()
	backend.Logger = log.DefaultLogger
}

// measureAll goes through the sizes, and at the largest through both shapes.
func (b *bench) measureAll(ctx context.Context, facts []int64) error {
	bySize := map[int64][]answerTimes{}
	for _, size := range facts {
		times, err := b.measureWarehouse(ctx, typical, size)
		if err != nil {
			return err
		}
		bySize[size] = times
	}
	largest := facts[len(facts)-1]
	times, err := b.measureWarehouse(ctx, wide, largest)
	if err != nil {
		return err
	}
	b.reportAnswers(typical, bySize[largest])
	b.reportAnswers(wide, times)
	return nil
}

// measureWarehouse loads a warehouse, asks it everything and drops it.
func (b *bench) measureWarehouse(ctx context.Context, s shape, facts int64) (times []answerTimes, err error) {
	l, err := b.load(ctx, s, facts, time.Now())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.server.drop(context.WithoutCancel(ctx), l.database)) }()
	return b.timeAnswers(ctx, l)
}
