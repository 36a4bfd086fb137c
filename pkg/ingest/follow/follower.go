package follow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/fsnotify/fsnotify"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// Options say what to follow and how. The zero value of a duration is its default.
type Options struct {
	// Path is a folder, or a file, which need not be there yet.
	Path string
	// Wanted says whether a file of a folder is one to import, by its name.
	Wanted func(name string) bool
	// Import imports what is complete of a file.
	Import func(context.Context, ingest.File) (ingest.Report, error)
	// Stored is called when a look at the files has stored records; nil: nothing is.
	Stored func(context.Context) error
	// Rejects is where the rejected records of a file are set aside.
	Rejects func(path string) string
	// Tell says what a person should know.
	Tell func(format string, arguments ...any)
	// Rescan is how often all files are looked at, whatever the file system says.
	Rescan time.Duration
	// Settle is how long after a notification the files are looked at, so that many
	// writes are one look.
	Settle time.Duration
	// FirstWait is the pause after the first failure of the warehouse; it grows up to a
	// minute.
	FirstWait time.Duration
}

// The defaults of Options.
const (
	DefaultRescan = time.Minute

	defaultSettle    = 250 * time.Millisecond
	defaultFirstWait = time.Second
	longestWait      = time.Minute
	// saidEvery is how often it says that records were stored.
	saidEvery = time.Minute
)

type follower struct {
	Options
	folder  string
	file    string               // the one file's name, empty for a folder
	known   map[string]*followed // by path
	total   ingest.Report        // of files that are gone, too
	said    map[string]string    // the last trouble with a path
	stored  int                  // since it was last said
	saidAt  time.Time
	failing bool
	behind  bool // Stored is to be called
}

// Run follows until ctx ends, and returns what became of the records meanwhile. That ctx
// has ended is no error.
func Run(ctx context.Context, options Options) (ingest.Report, error) {
	f := newFollower(options)
	notes, watch := f.watch()
	if notes != nil {
		defer notes.Close() //nolint:errcheck // nothing was written
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = f.FirstWait, longestWait
	for {
		wait, err := f.look(ctx, pause)
		if ctx.Err() != nil {
			return f.report(), nil
		}
		if err != nil {
			return f.report(), err
		}
		if !f.wait(ctx, wait, watch) {
			return f.report(), nil
		}
	}
}

func newFollower(options Options) *follower {
	orElse := func(d *time.Duration, otherwise time.Duration) {
		if *d <= 0 {
			*d = otherwise
		}
	}
	orElse(&options.Rescan, DefaultRescan)
	orElse(&options.Settle, defaultSettle)
	orElse(&options.FirstWait, defaultFirstWait)
	f := &follower{Options: options, known: map[string]*followed{}, said: map[string]string{}}
	f.folder, f.file = place(options.Path)
	return f
}

// watch asks the file system to be told of changes. Where it cannot be, the files are
// looked at now and then.
func (f *follower) watch() (*fsnotify.Watcher, <-chan fsnotify.Event) {
	notes, err := fsnotify.NewWatcher()
	if err == nil {
		if err = notes.Add(f.folder); err == nil {
			return notes, notes.Events
		}
		err = errors.Join(err, notes.Close())
	}
	f.Tell("The file system does not tell of changes in %s (%v). It is looked at every %s.", f.folder, err, f.Rescan)
	return nil, nil
}

// look imports what is new, and returns how long to wait before the next look. Its
// error is one that waiting does not mend.
func (f *follower) look(ctx context.Context, pause *backoff.ExponentialBackOff) (time.Duration, error) {
	again, err := f.scan(ctx)
	if err == nil && f.behind && f.Stored != nil {
		if err = f.Stored(ctx); err == nil {
			f.behind = false
		}
	}
	var option *ingest.OptionError
	switch {
	case err == nil:
		if f.failing {
			f.Tell("It works again.")
		}
		f.failing = false
		pause.Reset()
		f.sayStored()
		return min(again, f.Rescan), nil
	case ctx.Err() != nil, errors.As(err, &option):
		return 0, err
	case !f.failing: // once an outage, not once an attempt
		f.Tell("Nothing could be stored: %s. Trying again until it works.", strings.TrimSuffix(warehouse.Explain(err).Error(), "."))
	}
	f.failing = true
	return pause.NextBackOff(), nil
}

// wait waits for the next look and says whether there is one. After a failure
// notifications do not shorten it.
func (f *follower) wait(ctx context.Context, d time.Duration, changes <-chan fsnotify.Event) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return true
		case <-settled:
			return true
		case event, open := <-changes:
			if !open {
				changes = nil
				continue
			}
			if settled == nil && !f.failing && f.wants(filepath.Base(event.Name)) {
				settled = time.After(f.Settle)
			}
		}
	}
}

// sayStored says what was stored, the first at once and then once a minute.
func (f *follower) sayStored() {
	if f.stored == 0 || time.Since(f.saidAt) < saidEvery {
		return
	}
	records := "records"
	if f.stored == 1 {
		records = "record"
	}
	f.Tell("Stored %d %s.", f.stored, records)
	f.stored, f.saidAt = 0, time.Now()
}

// report is what became of the records of all files so far.
func (f *follower) report() ingest.Report {
	total := f.total
	for _, path := range slices.Sorted(maps.Keys(f.known)) {
		add(&total, f.known[path].counted)
		if f.known[path].unfinished {
			total.Notes = append(total.Notes, fmt.Sprintf("%s ends in a line that is not complete, which was not read.", path))
		}
	}
	return total
}

func add(total *ingest.Report, part ingest.Report) {
	total.Stored += part.Stored
	total.Unchanged += part.Unchanged
	total.Rejected += part.Rejected
	total.Read = total.Stored + total.Unchanged + total.Rejected
}

// sayOnce says what is wrong with a path when that is something else than before.
func (f *follower) sayOnce(path string, trouble error) {
	if text := trouble.Error(); f.said[path] != text {
		f.said[path] = text
		f.Tell("%s", text)
	}
}
