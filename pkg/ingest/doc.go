// Package ingest brings files of the field into the warehouse: one file here for
// each source, all on one reading core.
//
// The core (lines.go, records.go) is safe on hostile input: it never holds more
// than a bounded part of a file, finds columns by their names, and goes on after
// a bad record. A record that cannot be used is counted, reported with its line
// and reason, and set aside in a reject file (rejects.go); nothing else is lost.
//
// Importing the same file twice changes nothing: see identity.go.
package ingest
