package grafana

import (
	"path"
	"slices"
	"strconv"
)

// paths are where a Grafana finds its files, on this machine or in a container.
type paths struct{ provisioning, dashboards, plugins, data, logs string }

// settings are what one run needs to know.
type settings struct {
	pluginID, plugin string // the plugin's folder on this machine
	paths            paths  // on this machine
	homeDashboard    string // a file of the dashboards' folder
	address          string // to listen on
	port             int
	extra            map[string]string
}

// environment returns the settings as Grafana's environment variables.
func (s settings) environment(p paths) []string {
	variables := map[string]string{
		"GF_PATHS_PROVISIONING": p.provisioning,
		"GF_PATHS_PLUGINS":      p.plugins,
		"GF_PATHS_DATA":         p.data,
		"GF_PATHS_LOGS":         p.logs,
		"WATTSCORE_DASHBOARDS":  p.dashboards,

		"GF_SERVER_HTTP_ADDR": s.address,
		"GF_SERVER_HTTP_PORT": strconv.Itoa(s.port),
		"GF_LOG_MODE":         "console",

		"GF_SECURITY_ADMIN_USER":     AdminUser,
		"GF_SECURITY_ADMIN_PASSWORD": AdminPassword,
		"GF_AUTH_ANONYMOUS_ENABLED":  "true",
		"GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",

		"GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS": s.pluginID,
		// Nothing is fetched from or sent to anywhere.
		"GF_PLUGINS_PREINSTALL_DISABLED":           "true",
		"GF_ANALYTICS_REPORTING_ENABLED":           "false",
		"GF_ANALYTICS_CHECK_FOR_UPDATES":           "false",
		"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES":    "false",
		"GF_ANALYTICS_FEEDBACK_LINKS_ENABLED":      "false",
		"GF_NEWS_NEWS_FEED_ENABLED":                "false",
		"GF_SECURITY_DISABLE_GRAVATAR":             "true",
		"GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
		"GF_SNAPSHOTS_EXTERNAL_ENABLED":            "false",
	}
	if s.homeDashboard != "" {
		variables["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] = path.Join(p.dashboards, s.homeDashboard)
	}
	for name, value := range s.extra {
		variables[name] = value
	}
	var environment []string
	for name, value := range variables {
		environment = append(environment, name+"="+value)
	}
	slices.Sort(environment)
	return environment
}
