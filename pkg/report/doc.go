// Package report makes the executive report: one period's figures as a page that
// prints on two sheets, as Markdown and as CSV.
//
// It asks the query types what the dashboards ask them, and shows their answers.
// It computes no figure of its own: what it counts are rows, and what it compares
// it compares with [kpi.RelativeChange].
package report
