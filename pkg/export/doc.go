// Package export takes tables out of the warehouse into files that other warehouses
// load: Parquet and CSV.
//
// Values leave as they are stored. Amounts are decimals, because the warehouse's whole
// units beyond 2^53 are no float64: what is exported and imported again is the same to
// the last unit. A file appears under its name when it is complete.
//
// Parquet is read and written by Apache's own library, arrow-go, which Grafana's SDK
// brings along: it adds two modules (Thrift, Brotli) where another would add five.
package export
