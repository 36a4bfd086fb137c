package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

var businessColumns = columns{
	required: []string{"month", "metric", "value"},
	optional: []string{"business_unit", "source"},
}

// Business imports figures of the business by month, one a record:
//
//	month,metric,value,business_unit,source
//
// month is 2026-01; the metrics are warehouse.BusinessMetrics: revenue and arr in
// USD, transactions and active_users as counts. Without a business unit the
// figure is the whole company's; without a source it is the file.
func Business(ctx context.Context, store *warehouse.Store, file File, now time.Time) (Report, error) {
	var report Report
	all, err := readTable(ctx, &report, file, businessColumns, func(rec record) ([]warehouse.BusinessMetric, error) {
		metric, err := parseBusinessMetric(rec, file.Name, now)
		return []warehouse.BusinessMetric{metric}, err
	})
	if err != nil {
		return report, err
	}
	result, err := store.WriteBusinessMetrics(ctx, all.items)
	if err != nil {
		return report, err
	}
	return report, all.settle(&report, file, result)
}

func parseBusinessMetric(rec record, source string, now time.Time) (warehouse.BusinessMetric, error) {
	metric := warehouse.BusinessMetric{Metric: rec.text("metric"), BusinessUnit: rec.text("business_unit"), Source: orElse(rec.text("source"), source)}
	if known := warehouse.BusinessMetrics(); !slices.Contains(known, metric.Metric) {
		return metric, fmt.Errorf("unknown metric %q: it must be one of %s", metric.Metric, strings.Join(known, ", "))
	}
	var err error
	if metric.Month, err = rec.month("month"); err != nil {
		return metric, err
	}
	if metric.Month.After(now.Add(24 * time.Hour)) {
		return metric, fmt.Errorf("month %s is in the future: these are figures of what was", metric.Month.Format("2006-01"))
	}
	metric.Value, err = rec.amount("value")
	return metric, err
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
