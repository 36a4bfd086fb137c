package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// CheckHealth answers "Save & test": it says exactly what is wrong and what to
// do, or what the data source found.
func (i *Instance) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	if i.settingsErr != nil {
		return unhealthy("The settings are not complete: "+i.settingsErr.Error()+".", nil), nil
	}
	condition, err := i.reader.Inspect(ctx)
	if err != nil {
		explained := warehouse.Explain(err)
		var problem *warehouse.Problem
		if errors.As(explained, &problem) {
			return unhealthy(problem.Message, err), nil
		}
		return unhealthy("The warehouse could not be inspected.", err), nil
	}
	wanted := warehouse.SchemaVersion()
	switch {
	case condition.SchemaVersion == 0:
		return unhealthy(fmt.Sprintf("Connected, but this database has no WattScore schema that %s may read. "+
			"Run: wattctl db migrate, then: wattctl db roles --reader %s", condition.User, condition.User), nil), nil
	case condition.SchemaVersion < wanted:
		return unhealthy(fmt.Sprintf("The schema is at version %d and this plugin needs %d. Run: wattctl db migrate",
			condition.SchemaVersion, wanted), nil), nil
	case condition.SchemaVersion > wanted:
		return unhealthy(fmt.Sprintf("The schema is at version %d, newer than the %d this plugin knows. Update the plugin.",
			condition.SchemaVersion, wanted), nil), nil
	case condition.MayWrite:
		return unhealthy(fmt.Sprintf("Connected, but the user %s may change the warehouse, and dashboards only need to read. "+
			"Make a login for Grafana: wattctl db roles --reader grafana", condition.User), nil), nil
	}
	if problem := condition.ScaleOut.Problem(); problem != "" {
		return unhealthy(problem, nil), nil
	}
	scope, err := i.reader.Scope(ctx)
	if err != nil {
		return unhealthy("The business units of "+condition.User+" could not be read.", err), nil
	}
	return healthy(condition, scope, i.localGPUs.Source.Snapshot()), nil
}

func healthy(condition warehouse.Condition, scope []string, gpus gpu.Snapshot) *backend.CheckHealthResult {
	server := "PostgreSQL " + condition.ServerVersion
	if more := condition.ScaleOut.String(); more != "" {
		server += " (" + more + ")"
	}
	message := fmt.Sprintf("Connected to %s, WattScore schema %d. ", server, condition.SchemaVersion)
	if condition.NewestEvent.IsZero() {
		message += "The warehouse is empty: bring data in with wattctl import."
	} else {
		message += fmt.Sprintf("The newest event is of %s.", condition.NewestEvent.UTC().Format("2 January 2006 15:04 UTC"))
	}
	if len(scope) > 0 {
		message += " Limited to " + strings.Join(scope, ", ") + "."
	}
	switch {
	case condition.Restored:
		message += " It was restored on another server and takes no new facts yet: run wattctl rollup refresh."
	case condition.FactsWaiting >= warehouse.MostFactsWaiting:
		message += fmt.Sprintf(" %d facts or more are not rolled up since %s: answers are right but slower. Keep wattctl rollup watch running.",
			warehouse.MostFactsWaiting, condition.RolledUpAt.UTC().Format("2 January 15:04 UTC"))
	}
	if gpus.Problem == "" {
		message += fmt.Sprintf(" GPUs read live on %s: %d.", gpus.Host, len(gpus.Devices))
	} else {
		message += " No GPU is read live: " + gpus.Problem + "."
	}
	details, _ := json.Marshal(map[string]any{ // plain values always marshal
		"schemaVersion": condition.SchemaVersion,
		"newestEvent":   condition.NewestEvent.UTC().Format(time.RFC3339),
		"rolledUpAt":    condition.RolledUpAt.UTC().Format(time.RFC3339),
		"factsWaiting":  condition.FactsWaiting,
		"lagSeconds":    lagSeconds(condition, time.Now()),
		"restored":      condition.Restored,
		"liveGPUs":      len(gpus.Devices),
	})
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: message, JSONDetails: details}
}

// lagSeconds is how long ago the roll-ups were brought up to date, 0 if nothing
// waits for it. Answers are never behind: what waits is read beside them.
func lagSeconds(condition warehouse.Condition, now time.Time) int64 {
	if condition.FactsWaiting == 0 {
		return 0
	}
	return int64(now.Sub(condition.RolledUpAt).Seconds())
}

func unhealthy(message string, cause error) *backend.CheckHealthResult {
	result := &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: message}
	if cause != nil {
		result.JSONDetails, _ = json.Marshal(map[string]string{"verboseMessage": cause.Error()}) // strings always marshal
	}
	return result
}
