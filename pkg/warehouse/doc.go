// Package warehouse keeps measurements in PostgreSQL 14 or newer and answers
// from them.
//
// A star schema holds the facts; hourly and daily roll-ups hold their sums.
// Invariants, kept in the migrations beside this file:
//
//   - A fact is immutable and counts once: its key is (event id, time).
//   - Measures are integers (nWh, µg, nano-USD), so sums are exact in any order.
//   - Every fact of a transaction before rollup_state.next_xid is in the
//     roll-ups, none from it on. Every answer reads the roll-ups and the facts
//     from next_xid on in one statement, so it is never behind.
//   - Facts are stored unpriced where the source gave no cost or carbon. A
//     factor version prices them when they are read, so history changes only by
//     putting another version in force, and the old one stays readable.
//
// Migrate installs and upgrades the schema, Store writes, Reader answers.
package warehouse
