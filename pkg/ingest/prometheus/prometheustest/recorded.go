package prometheustest

import (
	"bufio"
	"bytes"
	"embed"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

//go:embed testdata/*.prom
var files embed.FS

// Sample is a value at a time, in Unix ms.
type Sample struct {
	At    int64
	Value float64
}

// Recorded are series as a Prometheus has them that scraped some targets, by their text.
type Recorded map[string]*Series

// Series is one of them.
type Series struct {
	Metric  model.Metric
	Samples []Sample
}

// scrapeEvery is how often the targets are scraped; what they answer between two
// recorded scrapes lies on a straight line.
const scrapeEvery = time.Minute

// Record plays recorded files (dcgm, vllm, triton, tgi, sglang, kepler, codecarbon) as a
// Prometheus scrapes them that does not honour the exporters' labels.
func Record(t testing.TB, names ...string) Recorded {
	t.Helper()
	all := Recorded{}
	for _, name := range names {
		text, err := files.ReadFile("testdata/" + name + ".prom")
		require.NoError(t, err)
		all.play(t, string(text))
	}
	return all
}

var targetLabel = regexp.MustCompile(`(\w+)="([^"]*)"`)

func (r Recorded) play(t testing.TB, text string) {
	t.Helper()
	target := map[string]string{}
	var at time.Time
	var exposition bytes.Buffer
	scraped := Recorded{}
	flush := func() {
		if !at.IsZero() {
			scraped.scrape(t, target, at, exposition.Bytes())
		}
		exposition.Reset()
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "# target "):
			for _, label := range targetLabel.FindAllStringSubmatch(line, -1) {
				target[label[1]] = label[2]
			}
		case strings.HasPrefix(line, "# at "):
			flush()
			var err error
			at, err = time.Parse(time.RFC3339, strings.TrimPrefix(line, "# at "))
			require.NoError(t, err)
		default:
			exposition.WriteString(line + "\n")
		}
	}
	require.NoError(t, lines.Err())
	flush()
	for key, s := range scraped {
		r[key] = &Series{s.Metric, between(s.Samples)}
	}
}

// scrape adds what a target answers. Its own labels take the places of the exporter's.
func (r Recorded) scrape(t testing.TB, target map[string]string, at time.Time, exposition []byte) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(exposition))
	require.NoError(t, err)
	for _, family := range families {
		decoded, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(at.UnixNano())}, family)
		require.NoError(t, err)
		for _, one := range decoded {
			metric := model.Metric{}
			for name, value := range one.Metric {
				if _, taken := target[string(name)]; taken {
					name = "exported_" + name
				}
				if value != "" {
					metric[name] = value
				}
			}
			for name, value := range target {
				metric[model.LabelName(name)] = model.LabelValue(value)
			}
			r.Add(metric, Sample{at.UnixMilli(), float64(one.Value)})
		}
	}
}

// Add adds a sample of a series.
func (r Recorded) Add(metric model.Metric, s Sample) {
	key := metric.String()
	if r[key] == nil {
		r[key] = &Series{Metric: metric}
	}
	r[key].Samples = append(r[key].Samples, s)
}

func between(scraped []Sample) []Sample {
	var all []Sample
	for i, s := range scraped {
		if i > 0 {
			last := scraped[i-1]
			for at := last.At + scrapeEvery.Milliseconds(); at < s.At; at += scrapeEvery.Milliseconds() {
				value := last.Value + (s.Value-last.Value)*float64(at-last.At)/float64(s.At-last.At)
				if last.Value == math.Trunc(last.Value) && s.Value == math.Trunc(s.Value) {
					value = math.Floor(value)
				}
				all = append(all, Sample{at, value})
			}
		}
		all = append(all, s)
	}
	return all
}

// Without drops what was scraped in a span: Prometheus was away.
func (r Recorded) Without(from, to time.Time) Recorded {
	for _, s := range r {
		s.Samples = slices.DeleteFunc(s.Samples, func(s Sample) bool { return s.At > from.UnixMilli() && s.At < to.UnixMilli() })
	}
	return r
}

// Shift moves all of it in time.
func (r Recorded) Shift(by time.Duration) Recorded {
	for _, s := range r {
		for i := range s.Samples {
			s.Samples[i].At += by.Milliseconds()
		}
	}
	return r
}

// Change changes the samples of the series whose text matches.
func (r Recorded) Change(t testing.TB, match string, change func(Sample) Sample) Recorded {
	t.Helper()
	found := false
	for _, key := range slices.Sorted(maps.Keys(r)) {
		if regexp.MustCompile(match).MatchString(key) {
			found = true
			for i := range r[key].Samples {
				r[key].Samples[i] = change(r[key].Samples[i])
			}
		}
	}
	require.True(t, found, "no series matches %s", match)
	return r
}

// OpenMetrics is the series as promtool reads them.
func (r Recorded) OpenMetrics() []byte {
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(r)) {
		for _, s := range r[key].Samples {
			var all []string
			for _, name := range slices.Sorted(maps.Keys(r[key].Metric)) {
				if name != model.MetricNameLabel {
					all = append(all, fmt.Sprintf("%s=%q", name, string(r[key].Metric[name])))
				}
			}
			fmt.Fprintf(&text, "%s{%s} %s %d\n", r[key].Metric[model.MetricNameLabel], strings.Join(all, ","), strconv.FormatFloat(s.Value, 'f', -1, 64), s.At/1000)
		}
	}
	text.WriteString("# EOF\n")
	return text.Bytes()
}
