package prometheustest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/common/model"
)

// Fake answers as a Prometheus does that has some series.
type Fake struct {
	Series  Recorded
	mu      sync.Mutex
	queries []string
	// Before may answer instead.
	Before func(w http.ResponseWriter, r *http.Request) bool
	// Warnings are those of every answer.
	Warnings []string
}

// URL starts the fake.
func (f *Fake) URL(t testing.TB) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// Queries are those that were asked.
func (f *Fake) Queries() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.queries)
}

var (
	rangeQuery = regexp.MustCompile(`^\{(.*)\}\[(\d+)s\]$`)
	matcher    = regexp.MustCompile(`(\w+)(=~|=)"((?:[^"\\]|\\.)*)"`)
)

// ServeHTTP answers the two questions that a pull asks.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	query := r.Form.Get("query")
	f.mu.Lock()
	f.queries = append(f.queries, query)
	f.mu.Unlock()
	if f.Before != nil && f.Before(w, r) {
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/label/__name__/values"):
		names := map[string]bool{}
		for _, s := range f.Series {
			if matches(r.Form.Get("match[]"), s.Metric) {
				names[string(s.Metric[model.MetricNameLabel])] = true
			}
		}
		f.answer(w, append([]string{}, slices.Sorted(maps.Keys(names))...))
	case strings.HasSuffix(r.URL.Path, "/query"):
		parts := rangeQuery.FindStringSubmatch(query)
		if parts == nil {
			Refuse(w, http.StatusBadRequest, "bad_data", "1:1: parse error: unexpected "+query)
			return
		}
		seconds, _ := strconv.Atoi(parts[2])
		at, _ := strconv.ParseFloat(r.Form.Get("time"), 64)
		to := int64(at * 1000)
		from := to - int64(seconds)*1000
		result := []any{}
		for _, key := range slices.Sorted(maps.Keys(f.Series)) {
			s := f.Series[key]
			if !matches("{"+parts[1]+"}", s.Metric) {
				continue
			}
			var values [][]any
			for _, one := range s.Samples {
				if one.At >= from && one.At <= to { // closed at both ends, as before Prometheus 3
					values = append(values, []any{float64(one.At) / 1000, strconv.FormatFloat(one.Value, 'f', -1, 64)})
				}
			}
			if len(values) > 0 {
				result = append(result, map[string]any{"metric": s.Metric, "values": values})
			}
		}
		f.answer(w, map[string]any{"resultType": "matrix", "result": result})
	default:
		http.NotFound(w, r)
	}
}

func (f *Fake) answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data, "warnings": f.Warnings}) // the client says what was cut off
}

// Refuse answers as Prometheus does what it cannot answer.
func Refuse(w http.ResponseWriter, code int, kind, text string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": kind, "error": text})
}

func matches(selector string, metric model.Metric) bool {
	for _, m := range matcher.FindAllStringSubmatch(selector, -1) {
		text, err := strconv.Unquote(`"` + m[3] + `"`)
		if err != nil {
			return false
		}
		value := string(metric[model.LabelName(m[1])])
		if m[2] == "=" && value != text || m[2] == "=~" && !regexp.MustCompile("^(?:"+text+")$").MatchString(value) {
			return false
		}
	}
	return true
}
