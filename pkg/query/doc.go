// Package query answers the query types of the data source: it turns options
// into a request for aggregates, aggregates into key figures with package kpi,
// and key figures into data frames.
//
// A query type is one file here. It declares a Type, which Types lists, and
// shares with all others the request (request.go), the columns with their units
// and links (column.go), the formats (frame.go) and the metadata (meta.go).
package query
