// Package prometheustest is a Prometheus for tests: what exporters and model servers
// answer, in their own form and with values that are easy to add up, played to a fake of the query API and to the real server.
package prometheustest
