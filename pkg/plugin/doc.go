// Package plugin speaks to Grafana: an instance for each configured data source,
// its settings, its health check, the dispatch of queries, and the resources
// that fill the editors' drop-downs.
package plugin
