package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"golang.org/x/sync/errgroup"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/build"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/pluginprocess"
	"github.com/wattscore/wattscore-aienergy-datasource/tools/project"
)

const (
	viewers     = 50
	watchedFor  = 30 * time.Second
	refreshes   = 5 * time.Second // the shortest that a dashboard offers by default
	memoryLimit = 100             // MiB
)

// measureMemory is the most memory in MiB that the plugin's process has had while
// viewers had the executive dashboard open, and how often they got it whole. It is
// of Linux, which tells.
func (b *bench) measureMemory(ctx context.Context, l loaded) (mebibytes float64, opened int, err error) {
	builder, err := build.New(b.out)
	if err != nil {
		return 0, 0, err
	}
	if err := builder.Backend(project.ThisPlatform()); err != nil {
		return 0, 0, err
	}
	err = b.runner.Do(fmt.Sprintf("Watch the executive dashboard with %d viewers", viewers), func() error {
		settings, err := b.dataSource(l.database)
		if err != nil {
			return err
		}
		process, err := pluginprocess.Start(pluginprocess.Options{
			Executable: builder.PluginExecutable(project.ThisPlatform()),
			Context:    backend.PluginContext{OrgID: 1, PluginID: plugin.ID, DataSourceInstanceSettings: settings},
		})
		if err != nil {
			return err
		}
		defer process.Stop()
		if opened, err = b.watch(ctx, process); err != nil {
			return err
		}
		mebibytes, err = mostMemory(process.PID())
		return err
	})
	return mebibytes, opened, err
}

// watch opens the dashboard for every viewer, at moments of their own, and again
// and again. Each viewer's range ends when they look; what the plugin makes of that
// is its own affair.
func (b *bench) watch(ctx context.Context, process *pluginprocess.Process) (opened int, err error) {
	counts := make([]int, viewers)
	end := time.Now().Add(watchedFor)
	group, ctx := errgroup.WithContext(ctx)
	random := rand.New(rand.NewPCG(1, 2))
	for viewer := range viewers {
		first := time.Duration(random.Int64N(int64(refreshes)))
		group.Go(func() error {
			for next := time.Now().Add(first); next.Before(end); {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Until(next)):
				}
				panels, err := b.executivePanels(time.Now())
				if err != nil {
					return err
				}
				if err := openThrough(ctx, process, panels); err != nil {
					return err
				}
				counts[viewer]++
				if next = next.Add(refreshes); next.Before(time.Now()) { // the last one took longer
					next = time.Now()
				}
			}
			return nil
		})
	}
	err = group.Wait()
	for _, count := range counts {
		opened += count
	}
	return opened, err
}

func openThrough(ctx context.Context, process *pluginprocess.Process, panels [][]backend.DataQuery) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, queries := range panels {
		group.Go(func() error {
			responses, err := process.QueryData(ctx, queries...)
			for _, response := range responses {
				err = errors.Join(err, response.Error)
			}
			return err
		})
	}
	return group.Wait()
}

// dataSource is the settings of a data source on a database.
func (b *bench) dataSource(database string) (*backend.DataSourceInstanceSettings, error) {
	connection := b.server.connection(database)
	settings, err := json.Marshal(map[string]any{
		"host": connection.Host, "database": connection.Database, "user": connection.User, "tlsMode": connection.TLSMode,
		"carbonPriceUsdPerTonne": company.CarbonPrice,
	})
	return &backend.DataSourceInstanceSettings{UID: "wattscore", Name: "WattScore", Type: plugin.ID, JSONData: settings,
		DecryptedSecureJSONData: map[string]string{"password": connection.Password}}, err
}

// canTellMemory says whether this system has the figure.
func canTellMemory() bool { return runtime.GOOS == "linux" }

// mostMemory is the highest resident set that a process has had, in MiB.
func mostMemory(pid int) (float64, error) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	return parseMostMemory(string(status))
}

func parseMostMemory(status string) (float64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kibibytes / 1024, err
		}
	}
	return 0, errors.New("the process's status has no VmHWM")
}
