package prometheus

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// serverWindow is what a model server did over a window.
type serverWindow struct {
	source string
	labels labels
	counts map[string]float64 // by metric
	// buckets are cumulative counts by the text of le, by metric.
	buckets map[string]map[string]float64
	names   []metric
}

func (s *serverWindow) count(m metric, l labels, counted float64) {
	if !slices.Contains(s.names, m) {
		s.names = append(s.names, m)
	}
	if m.quantity != latencyBucket {
		s.counts[m.name] += counted
		return
	}
	if s.buckets[m.name] == nil {
		s.buckets[m.name] = map[string]float64{}
	}
	s.buckets[m.name][l["le"]] += counted
}

// of is what was counted of a quantity, by the first of its names that the server has.
func (s *serverWindow) of(q quantity) float64 { return s.counts[s.nameOf(q)] }

func (s *serverWindow) nameOf(q quantity) string {
	best, rank := "", math.MaxInt
	for _, m := range s.names {
		if m.quantity != q {
			continue
		}
		at := slices.IndexFunc(catalog, func(c metric) bool { return c.name == m.name })
		if at < 0 {
			at = len(catalog) // a further name of the mapping
		}
		if at < rank || at == rank && m.name < best {
			best, rank = m.name, at
		}
	}
	return best
}

// work is what a server did, in whole requests and tokens.
type work struct {
	requests, input, output int64
	latencies               []latencyPart
}

// latencyPart are requests that took about as long.
type latencyPart struct {
	bucket   int
	requests int64
	took     time.Duration
	// width is the ratio of the bucket's bounds, 0 where one has none.
	width float64
}

// work sums up the window. Requests are those that were counted as answered, and at
// least as many as have a latency; what has none in the histogram has none here.
func (s *serverWindow) work() work {
	var w work
	w.requests, w.input, w.output = whole(s.of(requestCount)), whole(s.of(inputTokens)), whole(s.of(outputTokens))
	var timed int64
	if name := s.nameOf(latencyBucket); name != "" {
		w.latencies, timed = latencies(s.buckets[name])
	}
	w.requests = max(w.requests, timed)
	return w
}

// mostCounted is more than any server has counted in a window.
const mostCounted = 1 << 50

func whole(counted float64) int64 { return int64(math.Round(min(counted, mostCounted))) }

// latencies divides a histogram of the field, whose buckets add up, into parts. None
// where the counts do not rise with the bounds: then something was scraped in the midst
// of a change.
func latencies(buckets map[string]float64) (parts []latencyPart, timed int64) {
	type bucket struct{ upper, count float64 }
	var all []bucket
	for text, count := range buckets {
		upper, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(upper) {
			return nil, 0
		}
		all = append(all, bucket{upper, count})
	}
	slices.SortFunc(all, func(a, b bucket) int { return cmp.Compare(a.upper, b.upper) })
	lower, below := 0.0, int64(0)
	for i, b := range all {
		upTo := whole(b.count)
		if upTo < below {
			return nil, 0
		}
		if in := upTo - below; in > 0 {
			seconds := min(kpi.BucketLatency(lower, b.upper), longestLatency.Seconds())
			part := latencyPart{bucket: i, requests: in, took: time.Duration(seconds * float64(time.Second))}
			if lower > 0 && !math.IsInf(b.upper, 1) {
				part.width = b.upper / lower
			}
			parts, timed = append(parts, part), timed+in
		}
		lower, below = b.upper, upTo
	}
	return parts, timed
}

// longestLatency is longer than any server lets a request take.
const longestLatency = 7 * 24 * time.Hour

// served says whether the server did anything.
func (w work) served() bool { return w.requests > 0 || w.input > 0 || w.output > 0 }

// placedServer is a server with where its requests count.
type placedServer struct {
	key    string
	labels labels
	place  placement
	work   work
}

// placeServers says where each server counts. Of sources that tell of the same server
// and model, as Triton and the vLLM within it do, the first counts.
func (w *window) placeServers(m Mapping, regions map[string]bool) []placedServer {
	var placed []placedServer
	first := map[string]string{}
	keys := slices.SortedFunc(maps.Keys(w.servers), func(a, b string) int {
		return cmp.Or(cmp.Compare(sourceRank(w.servers[a].source), sourceRank(w.servers[b].source)), cmp.Compare(a, b))
	})
	for _, key := range keys {
		s := w.servers[key]
		place, drop, err := m.server(s.labels, regions)
		if drop {
			w.notes.dropped++
			continue
		}
		if err != nil {
			w.reject(s.source+" "+describeLabels(s.labels), err)
			continue
		}
		same := s.labels["job"] + "\x00" + s.labels["instance"] + "\x00" + place.model
		if other, there := first[same]; there && other != s.source {
			w.notes.nested[other+" has and "+s.source+" tells of too"]++
			continue
		}
		first[same] = s.source
		placed = append(placed, placedServer{key: key, labels: s.labels, place: place, work: s.work()})
	}
	return placed
}
