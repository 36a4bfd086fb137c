package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// shape is the company whose facts are measured: how many members its dimensions
// have, and how many combinations of them are in use.
type shape struct {
	name                             string
	models, projects, units, regions int
	combinations                     int
	assets                           int           // accelerators in the inventory
	limit                            time.Duration // p95 of every query type
}

var (
	typical = shape{name: "typical", models: 12, projects: 20, units: 5, regions: 4, combinations: 100, assets: 200, limit: 20 * time.Millisecond}
	wide    = shape{name: "wide", models: 60, projects: 300, units: 12, regions: 12, combinations: 5000, assets: 2000, limit: 150 * time.Millisecond}
)

// FactsVariable lists the numbers of facts to measure with, ascending.
const FactsVariable = "WATTSCORE_BENCH_FACTS"

const defaultFacts = "1e6,1e7,5e7"

// fewestFacts makes sure that every combination is in use on every day.
const fewestFacts = 10_000

// sizes reads the numbers of facts from the environment.
func sizes() ([]int64, error) {
	text := os.Getenv(FactsVariable)
	if text == "" {
		text = defaultFacts
	}
	return parseSizes(text)
}

func parseSizes(text string) ([]int64, error) {
	var all []int64
	for _, part := range strings.Split(text, ",") {
		number, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || number != float64(int64(number)) || number < fewestFacts {
			return nil, fmt.Errorf("%s is a list of whole numbers of facts from %d up, for example %s, and has %q", FactsVariable, fewestFacts, defaultFacts, part)
		}
		if size := int64(number); len(all) == 0 || size > all[len(all)-1] {
			all = append(all, size)
		} else {
			return nil, fmt.Errorf("the numbers of facts in %s must ascend, and %q does not", FactsVariable, part)
		}
	}
	return all, nil
}

// ShapesVariable lists the shapes to measure, both by default.
const ShapesVariable = "WATTSCORE_BENCH_SHAPES"

func shapes() ([]string, error) {
	text := os.Getenv(ShapesVariable)
	if text == "" {
		return []string{typical.name, wide.name}, nil
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if name != typical.name && name != wide.name {
			return nil, fmt.Errorf("%s is a list of %s and %s, and has %q", ShapesVariable, typical.name, wide.name, name)
		}
	}
	return names, nil
}

// WideFactsVariable is the number of facts of the wide shape, where it is not the
// largest of FactsVariable: a wide company's roll-ups take more room than its facts.
const WideFactsVariable = "WATTSCORE_BENCH_WIDE_FACTS"

// wideFacts reads the number of facts of the wide shape from the environment.
func wideFacts(largest int64) (int64, error) {
	text := os.Getenv(WideFactsVariable)
	if text == "" {
		return largest, nil
	}
	all, err := parseSizes(text)
	if err != nil || len(all) != 1 {
		return 0, fmt.Errorf("%s is one whole number of facts from %d up, and has %q", WideFactsVariable, fewestFacts, text)
	}
	return all[0], nil
}

// inWords is a number of facts as people say it.
func inWords(facts int64) string {
	switch {
	case facts >= 1_000_000:
		return strconv.FormatFloat(float64(facts)/1e6, 'f', -1, 64) + " M"
	default:
		return strconv.FormatFloat(float64(facts)/1e3, 'f', -1, 64) + " k"
	}
}
