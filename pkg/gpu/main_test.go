package gpu

import (
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

// asReader makes this test binary a reader process that does what it names.
const asReader = "WATTSCORE_TEST_AS_READER"

func TestMain(m *testing.M) {
	switch os.Getenv(asReader) {
	case "":
		os.Exit(m.Run())
	case "well":
		fmt.Println(lineOf("GPU-0", 0, 1000))
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "crash":
		fmt.Println(lineOf("GPU-0", 0, 1000))
		fmt.Fprintln(os.Stderr, "symbol lookup error: undefined symbol: nvmlFoo\nand more")
		os.Exit(127)
	case "babble":
		fmt.Println("NVIDIA-SMI 580.65.06")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// lineOf is a snapshot of one device, from a sampler that began just now.
func lineOf(uuid string, energy, counter int64) string {
	now := time.Now().UTC().Format(time.RFC3339Nano)
	return fmt.Sprintf(`{"host":"node7","time":"%[1]s","since":"%[1]s","devices":[{"uuid":"%[2]s","time":"%[1]s","energy_mj":%[3]d,"energy_counter_mj":%[4]d,"health":{}}]}`, now, uuid, energy, counter)
}
