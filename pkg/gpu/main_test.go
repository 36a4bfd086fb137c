package gpu

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// readerVariable makes this test's own program stand for the reader program: "nvml" is
// the real one, with the library of libraryVariable, anything else is printed.
const (
	readerVariable  = "WATTSCORE_TEST_READER"
	libraryVariable = "WATTSCORE_TEST_NVML"
	everyVariable   = "WATTSCORE_TEST_EVERY"
)

func TestMain(m *testing.M) {
	switch script := os.Getenv(readerVariable); script {
	case "":
		os.Exit(m.Run())
	case "nvml":
		ctx, stop := context.WithCancel(context.Background())
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
		every, err := time.ParseDuration(os.Getenv(everyVariable))
		if err != nil {
			every = 20 * time.Millisecond
		}
		if err := RunReader(ctx, os.Stdout, os.Getenv(libraryVariable), every); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		fmt.Println(script)
		fmt.Fprintln(os.Stderr, "symbol lookup error: undefined symbol")
		os.Exit(127) // as a program ends that calls what its library does not have
	}
}
