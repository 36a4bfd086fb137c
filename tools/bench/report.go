package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (b *bench) add(r row) {
	b.rows = append(b.rows, r)
	fmt.Fprintf(b.out, "  %s %s: %s (%s)\n", r.verdict(), r.what, r.measured, r.limit)
}

// reportAnswers adds the rows on the query types of a shape: of a quarter, which is
// limited, and of the 90 days before now, which are harder as they begin and end within
// an hour.
func (b *bench) reportAnswers(l loaded, all []answerTimes) {
	quarter, ninety := make([]named, len(all)), make([]named, len(all))
	for i, of := range all {
		quarter[i], ninety[i] = named{of.queryType, float64(of.quarter.p95())}, named{of.queryType, float64(of.ninety.p95())}
	}
	b.add(slowestRow(l.shape, "a quarter's range", quarter))
	b.add(slowestRow(l.shape, "90 days to the hour", ninety))
}

// slowestRow names the query types over the limit, or the slowest one.
func slowestRow(s shape, span string, figures []named) row {
	asTime := func(v float64) string { return milliseconds(time.Duration(v)) }
	r := row{what: fmt.Sprintf("every query type, %s, %s: p95", span, s.name), limit: "under " + milliseconds(s.limit)}
	r.measured, r.met = worst(figures, true, float64(s.limit), asTime)
	return r
}

// named is the figure of a query type.
type named struct {
	name  string
	value float64
}

// worst names the figures that miss a limit, the worst first, or where none does
// the worst one; and the one in the middle. Of some figures more is worse.
func worst(all []named, moreIsWorse bool, limit float64, show func(float64) string) (string, bool) {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b named) int {
		if moreIsWorse {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(a.value, b.value), strings.Compare(a.name, b.name))
	})
	var missing []string
	for _, f := range sorted {
		if (f.value > limit) == moreIsWorse && f.value != limit {
			missing = append(missing, f.name+" "+show(f.value))
		}
	}
	middle := show(sorted[len(sorted)/2].value)
	if count := len(missing); count > 0 {
		const most = 5
		list := strings.Join(missing[:min(count, most)], ", ")
		if count > most {
			list += fmt.Sprintf(" and %d more", count-most)
		}
		return fmt.Sprintf("%d of %d miss it: %s; the middle one %s", count, len(all), list, middle), false
	}
	extreme := map[bool]string{true: "at most", false: "at least"}[moreIsWorse]
	return fmt.Sprintf("%s %s (%s); the middle one %s", extreme, show(sorted[0].value), sorted[0].name, middle), true
}

// The limits of the same answers by other ways, as times of ours.
const (
	factsLimit = 100
	viewLimit  = 1
)

// reportComparisons adds the rows on raw facts and on the daily view.
func (b *bench) reportComparisons(l loaded, all []compared) {
	var facts, view []named
	for _, c := range all {
		facts = append(facts, named{c.queryType, c.ratioFacts})
		if c.view > 0 {
			view = append(view, named{c.queryType, c.ratioView})
		}
	}
	r := row{what: "the same answer from raw facts, " + l.shape.name + ": its time / ours", limit: "at least 100 ×"}
	r.measured, r.met = worst(facts, false, factsLimit, times)
	b.add(r)
	r = row{what: "the same answer from a daily materialised view, " + l.shape.name + ": its time / ours", limit: "at least 1 ×"}
	r.measured, r.met = worst(view, false, viewLimit, times)
	b.add(r)
}

func (b *bench) reportDashboard(taken sample, panels int) {
	b.add(row{what: fmt.Sprintf("the executive dashboard, its %d panels at once, typical: p95", panels), limit: "under " + milliseconds(dashboardLimit),
		measured: fmt.Sprintf("%s, p50 %s", milliseconds(taken.p95()), milliseconds(taken.median())), met: taken.p95() < dashboardLimit})
}

// growthLimit is how much longer an answer may take from the most facts than from
// the fewest.
const growthLimit = 1.3

// sized is the answers' times at a number of facts.
type sized struct {
	facts int64
	times []answerTimes
}

// reportGrowth adds the row on the time by the number of facts, typical.
func (b *bench) reportGrowth(sizes []sized) {
	if len(sizes) < 2 {
		return
	}
	var words []string
	for _, s := range sizes {
		words = append(words, inWords(s.facts))
	}
	fmt.Fprintf(b.out, "  growth of the p50 over %s facts: quarter, 90 days\n", strings.Join(words, ", "))
	figures := make([]named, len(sizes[0].times))
	for i, first := range sizes[0].times {
		figures[i].name = first.queryType
		line := fmt.Sprintf("  %-20s", first.queryType)
		for _, s := range sizes[1:] {
			quarter, ninety := ratio(s.times[i].quarter.median(), first.quarter.median()), ratio(s.times[i].ninety.median(), first.ninety.median())
			figures[i].value = max(figures[i].value, quarter, ninety)
			line += fmt.Sprintf(" %8s %8s", times(quarter), times(ninety))
		}
		fmt.Fprintln(b.out, line)
	}
	r := row{what: "from " + strings.Join(words, " to ") + " facts, typical: growth of the p50", limit: "within 1.3 ×"}
	r.measured, r.met = worst(figures, true, growthLimit, times)
	b.add(r)
}

func (b *bench) reportIngest(i ingested) {
	what := "taking in, the watcher rolling up beside it / bare COPY, rows a second"
	if i.writers > 1 {
		what += fmt.Sprintf(", %d writers", i.writers)
	}
	b.add(row{what: what, limit: fmt.Sprintf("at least %g ×", ingestLimit), met: i.ratio() >= ingestLimit,
		measured: fmt.Sprintf("%s: %s k / %s k", times(i.ratio()), thousandsOf(perSecond(i.whole.median())), thousandsOf(perSecond(i.bare.median())))})
}

func thousandsOf(rows float64) string { return fmt.Sprintf("%.0f", rows/1000) }

func (b *bench) reportFreshness(f fresh) {
	b.add(row{what: "a committed fact is in the next answer", limit: "every time", met: f.seen == freshTries,
		measured: fmt.Sprintf("%d of %d; with %s facts not rolled up the answer takes %s at p95", f.seen, freshTries, inWords(freshTail), milliseconds(f.taken.p95()))})
}

func (b *bench) reportMemory(mebibytes float64, opened int) {
	b.add(row{what: fmt.Sprintf("the plugin's memory, %d viewers on the executive dashboard", viewers), limit: fmt.Sprintf("under %d MiB", memoryLimit),
		measured: fmt.Sprintf("%.0f MiB at most, the dashboard opened %d times", mebibytes, opened), met: mebibytes < memoryLimit})
}
