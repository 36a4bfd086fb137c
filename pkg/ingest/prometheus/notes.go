package prometheus

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// notes are what a person should know of a pull besides its counts.
type notes struct {
	warnings                  []string
	spoiled, back, dropped    int
	resets, nested            map[string]int
	gaps                      map[string]*gaps
	collected, integrated     map[string]bool
	widest                    float64
	metered                   kpi.NanowattHours
	idle, unallocated, known  kpi.NanowattHours
	lost                      kpi.NanowattHours
	empty, differs, unsettled int
}

type gaps struct {
	count   int
	longest time.Duration
}

func newNotes() *notes {
	return &notes{resets: map[string]int{}, nested: map[string]int{}, gaps: map[string]*gaps{}, collected: map[string]bool{}, integrated: map[string]bool{}}
}

// warn keeps a warning of the API. One that an answer is not whole stops the pull: a
// window is written once.
func (n *notes) warn(warnings v1.Warnings) error {
	for _, warning := range warnings {
		if strings.Contains(strings.ToLower(warning), "partial") {
			return &Problem{message: fmt.Sprintf("the answer is not whole (%s): nothing of this window is stored; pull again when all stores answer", excerpt(warning))}
		}
		if text := excerpt(warning); !slices.Contains(n.warnings, text) && len(n.warnings) < 10 {
			n.warnings = append(n.warnings, text)
		}
	}
	return nil
}

func (n *notes) gap(source string, apart time.Duration) {
	if n.gaps[source] == nil {
		n.gaps[source] = &gaps{}
	}
	n.gaps[source].count++
	n.gaps[source].longest = max(n.gaps[source].longest, apart)
}

// lose notes what a meter counted over a gap that is too long to be bridged.
func (n *notes) lose(s step, q quantity) {
	if s.kind == stepOn {
		n.lost += s.energy(q)
	}
}

func (n *notes) wide(width float64) { n.widest = max(n.widest, width) }

func (n *notes) placed(place placement, energy kpi.NanowattHours) {
	switch {
	case place.project == kpi.Idle:
		n.idle += energy
	case (place.project == "" || place.project == kpi.Unallocated) && (place.model == "" || place.model == kpi.Unallocated):
		n.unallocated += energy
	default:
		n.known += energy
	}
}

// sentences are the notes as a person reads them.
func (n *notes) sentences() []string {
	var all []string
	say := func(format string, arguments ...any) { all = append(all, fmt.Sprintf(format, arguments...)) }
	if n.metered > 0 {
		say("Energy of %s kWh on the meters: %s kWh to models and projects, %s kWh __idle__, %s kWh __unallocated__.",
			kilowattHours(n.metered), kilowattHours(n.known), kilowattHours(n.idle), kilowattHours(n.unallocated))
	}
	for _, source := range slices.Sorted(maps.Keys(n.gaps)) {
		g := n.gaps[source]
		say("Series of %s were not scraped for over %s, %s, for %s at the longest: what counters rose by meanwhile counts where the gap ends, power and memory over it are not known.",
			source, longestMeasure, Count(g.count, "time"), g.longest.Round(time.Second))
	}
	if n.lost > 0 {
		say("Meters that were not scraped for over %s rose by %s kWh meanwhile, which are in no window.", lookback, kilowattHours(n.lost))
	}
	for _, source := range slices.Sorted(maps.Keys(n.resets)) {
		say("Counters of %s began anew %s; what they had counted between the last sample and that is lost.", source, Count(n.resets[source], "time"))
	}
	if n.back > 0 {
		say("Older than those before them, as of two scrapers, and left out: %s.", Count(n.back, "sample"))
	}
	if n.spoiled > 0 {
		say("Blank or impossible samples were left out of %d series that have others.", n.spoiled)
	}
	for _, what := range slices.Sorted(maps.Keys(n.nested)) {
		say("Requests that %s are left out: %s.", what, Count(n.nested[what], "time"))
	}
	if len(n.integrated) > 0 {
		say("The energy of %s comes from power, for want of a counter, and is estimated.", some(n.integrated))
	}
	if len(n.collected) > 0 {
		say("The energy of %s is left out: wattctl collect has it.", some(n.collected))
	}
	if n.widest > 1 {
		say("Latencies come from buckets of up to a factor of %.3g: a percentile is within %.0f %% of the true one.", n.widest, (math.Sqrt(n.widest)-1)*100)
	}
	if n.dropped > 0 {
		say("Rules left out %d series.", n.dropped)
	}
	if n.empty > 0 {
		say("No samples: %s. Prometheus has none so old, did not run, or scraped none of these metrics.", Count(n.empty, "window"))
	}
	if n.unsettled > 0 {
		say("Not over or not settled yet: %s. They wait for the next pull.", Count(n.unsettled, "window"))
	}
	if n.differs > 0 {
		say("Stored otherwise than now, because the mapping or Prometheus' data changed: %s. --replace puts the new ones in their place.", Count(n.differs, "window"))
	}
	for _, warning := range n.warnings {
		say("Prometheus warns: %s", warning)
	}
	return all
}

// Count is a number of things, in words.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func kilowattHours(energy kpi.NanowattHours) string {
	return fmt.Sprintf("%.3f", float64(energy.KilowattHours()))
}

func some(names map[string]bool) string {
	const most = 3
	all := slices.Sorted(maps.Keys(names))
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d others", strings.Join(all[:most], ", "), len(all)-most)
}
