// Package kpi is the domain of WattScore: every formula that turns energy
// measurements into the numbers leadership steers by.
//
// Its functions are pure. They take values and return values; the clock, the
// network and the database stay outside. Each states its formula, its units and
// its source, and a question without an answer (zero requests, no revenue) gets
// no number: the result is nil, never 0, NaN or Inf.
package kpi
