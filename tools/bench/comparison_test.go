package bench

import (
	"embed"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

func TestEachComparedTypeHasItsStatements(t *testing.T) {
	named := map[string]bool{}
	for _, c := range comparisons {
		named[c.queryType+".sql"] = true
		assert.NotNil(t, query.FindType(c.queryType), c.queryType)
		_, err := analystFiles.ReadFile("statements/analyst/" + c.queryType + ".sql")
		assert.NoError(t, err)
	}
	for folder, files := range map[string]embed.FS{"statements/analyst": analystFiles, "statements/view": viewFiles} {
		entries, err := files.ReadDir(folder)
		require.NoError(t, err)
		for _, entry := range entries {
			assert.True(t, named[entry.Name()], "%s/%s is compared with nothing", folder, entry.Name())
		}
	}
}

func TestHeadlinesOfAFrame(t *testing.T) {
	one, two := 1.5, 2.0
	frame := data.NewFrame("", data.NewField("kpi", nil, []string{"A", "B", "C"}), data.NewField("value", nil, []*float64{&one, nil, &two}))

	sum, err := sumOf("value")(frame)
	require.NoError(t, err)
	assert.Equal(t, 3.5, sum, "what has no answer adds nothing")
	value, err := rowOf("kpi", "C", "value")(frame)
	require.NoError(t, err)
	assert.Equal(t, 2.0, value)

	for name, headline := range map[string]func(*data.Frame) (float64, error){
		"no field energy": sumOf("energy"),
		"B has no value":  rowOf("kpi", "B", "value"),
		"no row D":        rowOf("kpi", "D", "value"),
		"no field x or y": rowOf("x", "A", "y"),
	} {
		_, err := headline(frame)
		assert.ErrorContains(t, err, name)
	}

	frame.Meta = &data.FrameMeta{Custom: map[string]any{"change": map[string]any{"after": 12.25}}}
	after, err := totalAfter(frame)
	require.NoError(t, err)
	assert.Equal(t, 12.25, after)
}

func TestAnswersAgreeToTheLastDigits(t *testing.T) {
	assert.True(t, agree(1e6, 1e6+1e-4))
	assert.False(t, agree(1e6, 1e6+1e-2))
	assert.True(t, agree(0, 0))
	assert.False(t, agree(0, 1e-12))
}

func TestFedEventsCanBeStored(t *testing.T) {
	now := time.Now()
	seen := map[string]bool{}
	for stream := range uint16(3) {
		for _, event := range feedEvents(stream, 250, now) {
			assert.NoError(t, event.Validate(now))
			assert.False(t, seen[event.ID.String()], "an id comes twice")
			seen[event.ID.String()] = true
		}
	}
}

func TestTheMostMemoryOfAProcess(t *testing.T) {
	mebibytes, err := parseMostMemory("Name:\tgpx\nVmPeak:\t 900000 kB\nVmHWM:\t   52224 kB\nVmRSS:\t 40000 kB\n")
	require.NoError(t, err)
	assert.Equal(t, 51.0, mebibytes)
	_, err = parseMostMemory("Name:\tgpx\n")
	assert.Error(t, err)
}
