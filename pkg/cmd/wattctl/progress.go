package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"
)

// logInterval is how often long work writes a line where nobody watches.
const logInterval = 10 * time.Second

// progressBar shows how far long work is: a bar on a terminal, now and then a
// line in a log.
type progressBar struct {
	out     io.Writer
	message string
	once    sync.Once

	writer  progress.Writer // nil: plain lines
	tracker *progress.Tracker

	started, logged time.Time
}

func newProgress(out io.Writer, message string) *progressBar {
	bar := &progressBar{out: out, message: message, started: time.Now(), logged: time.Now()}
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return bar
	}
	bar.tracker = &progress.Tracker{Message: message}
	bar.writer = progress.NewWriter()
	bar.writer.SetOutputWriter(out)
	bar.writer.SetStyle(progress.StyleBlocks)
	bar.writer.SetTrackerLength(30)
	bar.writer.SetUpdateFrequency(100 * time.Millisecond)
	bar.writer.Style().Visibility.Value = false
	bar.writer.Style().Visibility.ETA = true
	bar.writer.AppendTracker(bar.tracker)
	go bar.writer.Render()
	return bar
}

// update says that done of total units are done.
func (b *progressBar) update(done, total int) {
	if b.tracker != nil {
		b.tracker.UpdateTotal(int64(total))
		b.tracker.SetValue(int64(done))
		return
	}
	if now := time.Now(); now.Sub(b.logged) >= logInterval && total > 0 {
		b.logged = now
		fmt.Fprintf(b.out, "%s: %d %%\n", b.message, 100*done/total)
	}
}

// stop ends the bar and may be called again.
func (b *progressBar) stop() {
	b.once.Do(func() {
		if b.writer == nil {
			return
		}
		b.tracker.MarkAsDone()
		b.writer.Stop()
		for b.writer.IsRenderInProgress() {
			time.Sleep(time.Millisecond)
		}
	})
}
