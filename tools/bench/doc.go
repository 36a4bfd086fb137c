// Package bench measures the limits that WattScore sets itself, on a warehouse of
// a year of facts that it makes: how fast each query type answers, against the
// same answer from raw facts and from a materialised view; how the time grows with
// the facts; how fast facts come in, how soon they are seen, and what memory the
// plugin takes.
//
// Everything is measured in one run on one machine, so that the ratios hold where
// the times do not. A limit that is missed is shown as missed; the run fails only
// where an answer is wrong.
package bench
