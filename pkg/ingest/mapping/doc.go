// Package mapping is what the connectors' mapping files have in common: patterns, names
// taken from attributes or labels, one name for the many of a model, and what a name may
// be. Each connector's file and its own settings stand in its own package.
package mapping
