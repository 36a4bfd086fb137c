package gpu

import (
	"context"
	"fmt"
	"io"
	"time"
)

// shortestInterval keeps a typo from keeping the driver busy.
const shortestInterval = 10 * time.Millisecond

// RunReader is what the reader program does: it opens the driver's library, reads
// every GPU at an interval and writes a snapshot a line until ctx ends.
func RunReader(ctx context.Context, w io.Writer, library string, every time.Duration) error {
	if every < shortestInterval {
		return fmt.Errorf("an interval of %s is too short: %s is the least", every, shortestInterval)
	}
	reader, err := OpenNVML(library)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sampler := NewSampler(reader, every)
	ended := make(chan error, 1)
	go func() { ended <- sampler.Run(ctx) }()
	err = WriteLines(ctx, w, sampler)
	stop() // nobody reads any more
	if closed := <-ended; err == nil {
		err = closed
	}
	return err
}
