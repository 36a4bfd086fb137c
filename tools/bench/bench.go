package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/step"
)

// bench is one run.
type bench struct {
	server *server
	keep   keep
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
	wanted, err := shapes()
	if err != nil {
		return err
	}
	ofWide, err := wideFacts(facts[len(facts)-1])
	if err != nil {
		return err
	}
	kept, err := keeping()
	if err != nil {
		return err
	}
	root, err := project.Root()
	if err != nil {
		return err
	}
	quiet()
	b := &bench{keep: kept, runner: step.Runner{Directory: root, Log: out}, out: out, root: root}
	err = b.runner.Do("Start PostgreSQL", func() (err error) {
		b.server, err = startServer(ctx, out)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.stop()) }()
	if kept == keepLoad {
		return b.loadAll(ctx, facts, ofWide, wanted)
	}
	if err := b.measureAll(ctx, facts, ofWide, wanted); err != nil {
		return err
	}
	machine := fmt.Sprintf("%s facts over a year, %d cores, PostgreSQL %s, %s.",
		howMany(facts[len(facts)-1], ofWide, wanted), runtime.NumCPU(), b.server.version, time.Now().Format("2 January 2006"))
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

// asThePlugin is work in which memory is used as the plugin's own process uses it. What
// runs beside it, such as an importer, has settings of its own.
func asThePlugin(work func() error) func() error {
	return func() error {
		percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
		defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
		plugin.SetMemory()
		return work()
	}
}

// measureAll measures the typical shape at every size, and the wide one at its own.
func (b *bench) measureAll(ctx context.Context, facts []int64, ofWide int64, wanted []string) error {
	if slices.Contains(wanted, typical.name) {
		if err := b.measureSizes(ctx, facts); err != nil {
			return err
		}
	}
	if slices.Contains(wanted, wide.name) {
		err := b.onWarehouse(ctx, wide, ofWide, func(l loaded) error {
			_, err := b.measureAnswers(ctx, l)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, writers := range []int{1, 4} {
		result, err := b.timeIngest(ctx, writers)
		if err != nil {
			return err
		}
		b.reportIngest(result)
	}
	return nil
}

// loadAll makes the databases that measureAll measures on.
func (b *bench) loadAll(ctx context.Context, facts []int64, ofWide int64, wanted []string) error {
	if slices.Contains(wanted, typical.name) {
		for _, size := range facts {
			if _, err := b.load(ctx, typical, size, time.Now()); err != nil {
				return err
			}
		}
	}
	if slices.Contains(wanted, wide.name) {
		_, err := b.load(ctx, wide, ofWide, time.Now())
		return err
	}
	return nil
}

// howMany says how many facts were measured on.
func howMany(largest, ofWide int64, wanted []string) string {
	switch {
	case !slices.Contains(wanted, typical.name):
		return inWords(ofWide)
	case slices.Contains(wanted, wide.name) && ofWide != largest:
		return fmt.Sprintf("%s (wide: %s)", inWords(largest), inWords(ofWide))
	}
	return inWords(largest)
}

// measureSizes measures the typical shape: the answers at every size, all else at
// the largest.
func (b *bench) measureSizes(ctx context.Context, facts []int64) error {
	var sizes []sized
	for i, size := range facts {
		err := b.onWarehouse(ctx, typical, size, func(l loaded) error {
			if i < len(facts)-1 {
				times, err := b.timeAnswers(ctx, l)
				sizes = append(sizes, sized{size, times})
				return err
			}
			times, err := b.measureAnswers(ctx, l)
			sizes = append(sizes, sized{size, times})
			if err != nil {
				return err
			}
			return b.measureTypical(ctx, l)
		})
		if err != nil {
			return err
		}
	}
	b.reportGrowth(sizes)
	return nil
}

// measureAnswers times the answers, ours and the same by other ways.
func (b *bench) measureAnswers(ctx context.Context, l loaded) ([]answerTimes, error) {
	times, err := b.timeAnswers(ctx, l)
	if err != nil {
		return nil, err
	}
	b.reportAnswers(l, times)
	all, err := b.compare(ctx, l, times)
	if err != nil {
		return nil, err
	}
	b.reportComparisons(l, all)
	return times, nil
}

// measureTypical measures what is limited for the typical shape alone. Freshness
// comes last, because it leaves facts behind.
func (b *bench) measureTypical(ctx context.Context, l loaded) error {
	taken, panels, err := b.timeDashboard(ctx, l)
	if err != nil {
		return err
	}
	b.reportDashboard(taken, panels)
	if canTellMemory() {
		mebibytes, opened, err := b.measureMemory(ctx, l)
		if err != nil {
			return err
		}
		b.reportMemory(mebibytes, opened)
	}
	result, err := b.timeFreshness(ctx, l)
	if err == nil {
		b.reportFreshness(result)
	}
	return err
}

// onWarehouse loads a warehouse, does something with it and drops it, unless it is
// kept.
func (b *bench) onWarehouse(ctx context.Context, s shape, facts int64, something func(loaded) error) (err error) {
	l, err := b.load(ctx, s, facts, time.Now())
	if err != nil {
		return err
	}
	if b.keep == keepNothing {
		defer func() { err = errors.Join(err, b.server.drop(context.WithoutCancel(ctx), l.database)) }()
	}
	return something(l)
}
