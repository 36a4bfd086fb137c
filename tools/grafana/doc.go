// Package grafana finds a Grafana and starts it on this machine alone, with the
// plugin, the data source and the dashboards in place.
package grafana

// Version is the Grafana that is fetched where none is installed: the one the
// dashboards were checked on.
const Version = "12.2.0"
