// Command gpx_wattscore_aienergy is the backend of the WattScore data source,
// started by Grafana.
package main

import (
	"os"
	_ "time/tzdata" // Windows has no zone files of its own

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/plugin"
)

func main() {
	plugin.SetMemory()
	if err := datasource.Manage(plugin.ID, plugin.NewInstance, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error("The plugin process ended", "error", err)
		os.Exit(1)
	}
}
