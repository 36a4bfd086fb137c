package bench

import (
	"fmt"
	"slices"
	"strings"
)

// reportAnswers adds a row on the query types of a shape.
func (b *bench) reportAnswers(s shape, all []answerTimes) {
	fmt.Fprintf(b.out, "\n%s: p50 and p95 of a fiscal quarter, and of 90 unaligned days\n", s.name)
	for _, of := range all {
		fmt.Fprintf(b.out, "  %-20s %9s %9s   %9s %9s\n", of.queryType, milliseconds(of.quarter.median()), milliseconds(of.quarter.p95()),
			milliseconds(of.ninety.median()), milliseconds(of.ninety.p95()))
	}
	b.rows = append(b.rows, slowestRow(s, all))
}

// slowestRow names the query types over the limit, or the slowest one.
func slowestRow(s shape, all []answerTimes) row {
	slowestFirst := slices.SortedFunc(slices.Values(all), func(a, b answerTimes) int { return int(b.slowest() - a.slowest()) })
	var over []string
	for _, of := range slowestFirst {
		if of.slowest() > s.limit {
			over = append(over, fmt.Sprintf("%s %s", of.queryType, milliseconds(of.slowest())))
		}
	}
	r := row{what: fmt.Sprintf("every query type, a quarter, %s: p95", s.name), limit: "under " + milliseconds(s.limit), met: len(over) == 0}
	median := slowestFirst[len(slowestFirst)/2]
	if r.met {
		r.measured = fmt.Sprintf("at most %s (%s); middle %s", milliseconds(slowestFirst[0].slowest()), slowestFirst[0].queryType, milliseconds(median.slowest()))
	} else {
		r.measured = fmt.Sprintf("%d of %d over: %s; middle %s", len(over), len(all), strings.Join(over, ", "), milliseconds(median.slowest()))
	}
	return r
}
