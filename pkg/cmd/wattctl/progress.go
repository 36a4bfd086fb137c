package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/mattn/go-isatty"
)

// progressShown is how far a long work is: a bar on a terminal, a line now and
// then in a log.
type progressShown struct {
	done    atomic.Int64
	total   int64 // 0: not known
	console console
	title   string
	bytes   bool
	began   time.Time
	stop    chan struct{}
	stopped chan struct{}
}

const linesApart = 10 * time.Second

// showProgress begins to show a work of total bytes, or of items. The caller
// calls end.
func (c console) showProgress(title string, total int64, bytes bool) *progressShown {
	p := &progressShown{total: total, console: c, title: title, bytes: bytes, began: time.Now(),
		stop: make(chan struct{}), stopped: make(chan struct{})}
	if file, ok := c.err.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		go p.bar(file)
	} else {
		go p.lines()
	}
	return p
}

func (p *progressShown) add(n int64)  { p.done.Add(n) }
func (p *progressShown) set(to int64) { p.done.Store(to) }

// end stops showing; a log gets a last line.
func (p *progressShown) end() {
	close(p.stop)
	<-p.stopped
}

func (p *progressShown) bar(to io.Writer) {
	defer close(p.stopped)
	writer := progress.NewWriter()
	writer.SetOutputWriter(to)
	writer.SetUpdateFrequency(100 * time.Millisecond)
	writer.SetTrackerPosition(progress.PositionRight)
	writer.SetAutoStop(true) // when the one tracker is done
	writer.Style().Visibility.ETA = true
	tracker := &progress.Tracker{Message: p.title, Total: p.total}
	if p.bytes {
		tracker.Units = progress.UnitsBytes
	}
	writer.AppendTracker(tracker)
	go func() {
		ticks := time.NewTicker(100 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				done := p.done.Load()
				if p.total > 0 {
					done = min(done, p.total-1) // a tracker at its total is done and takes no more
				}
				tracker.SetValue(done)
			case <-p.stop:
				tracker.SetValue(p.done.Load())
				tracker.MarkAsDone()
				return
			}
		}
	}()
	writer.Render()
}

func (p *progressShown) lines() {
	defer close(p.stopped)
	ticks := time.NewTicker(linesApart)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.console.tell("%s: %s", p.title, p.describe())
		case <-p.stop:
			p.console.tell("%s: %s", p.title, p.describe())
			return
		}
	}
}

func (p *progressShown) describe() string {
	done := p.done.Load()
	if p.total > 0 {
		done = min(done, p.total) // a file's beginning is looked at twice
	}
	text := p.amount(done)
	if p.total > 0 {
		text = fmt.Sprintf("%d %%, %s of %s", 100*done/p.total, text, p.amount(p.total))
	}
	return fmt.Sprintf("%s after %s", text, time.Since(p.began).Round(100*time.Millisecond))
}

func (p *progressShown) amount(n int64) string {
	if p.bytes {
		return progress.FormatBytes(n)
	}
	return fmt.Sprint(n)
}

// countingReader shows how much was read.
type countingReader struct {
	io.Reader
	progress *progressShown
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.progress.add(int64(n))
	return n, err
}

// countingReaderAt shows how much was read, at whatever place.
type countingReaderAt struct {
	io.ReaderAt
	progress *progressShown
}

func (r countingReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, offset)
	r.progress.add(int64(n))
	return n, err
}
