package plugin

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
)

// routes are the resources that fill the editors' drop-downs.
func (i *Instance) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /query-types", i.listQueryTypes)
	mux.HandleFunc("GET /dimensions/{dimension}", i.connected(i.listMembers))
	mux.HandleFunc("GET /factor-versions", i.connected(i.listFactorVersions))
	mux.HandleFunc("GET /calendar", i.connected(i.showCalendar))
	mux.HandleFunc("POST /streams", i.connected(i.nameStream))
	return mux
}

// connected answers a mistake in the settings instead of calling the handler.
func (i *Instance) connected(handler func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var err error
		if i.settingsErr != nil {
			err = &settingsError{i.settingsErr}
		} else {
			err = handler(w, r)
		}
		if err == nil {
			return
		}
		status, source, message := classify(err)
		if source == backend.ErrorSourcePlugin {
			log.DefaultLogger.FromContext(r.Context()).Error("A resource failed by a fault of the plugin", "path", r.URL.Path, "error", err)
		}
		writeJSON(w, int(status), map[string]string{"error": message})
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.DefaultLogger.Debug("The answer could not be sent", "error", err)
	}
}

type queryTypeResource struct {
	Name        string                    `json:"name"`
	Label       string                    `json:"label"`
	Description string                    `json:"description"`
	GroupBy     []choice                  `json:"groupBy"`
	Formats     []query.Format            `json:"formats"`
	Metrics     []query.MetricDescription `json:"metrics"`
}

// choice is an entry of a drop-down.
type choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}

func (i *Instance) listQueryTypes(w http.ResponseWriter, _ *http.Request) {
	resources := []queryTypeResource{}
	for _, t := range query.Types() {
		resource := queryTypeResource{Name: t.Name, Label: t.Label, Description: t.Description, Formats: t.Formats,
			GroupBy: []choice{}, Metrics: []query.MetricDescription{}}
		for _, d := range t.GroupBy {
			resource.GroupBy = append(resource.GroupBy, choice{Value: string(d), Label: query.DimensionLabel(d)})
		}
		for _, metric := range t.Metrics {
			resource.Metrics = append(resource.Metrics, query.DescribeMetric(metric))
		}
		resources = append(resources, resource)
	}
	writeJSON(w, http.StatusOK, resources)
}

func (i *Instance) listMembers(w http.ResponseWriter, r *http.Request) error {
	dimension, err := kpi.ParseDimension(r.PathValue("dimension"), kpi.GroupDimensions())
	if err != nil {
		return query.BadRequest("There is no such dimension: %s.", err)
	}
	filters := kpi.Filters{}
	for name, members := range r.URL.Query() {
		filter, err := kpi.ParseDimension(name, kpi.FilterDimensions())
		if err != nil {
			return query.BadRequest("Nothing can be filtered by it: %s.", err)
		}
		filters[filter] = members
	}
	members, err := i.reader.DimensionMembers(r.Context(), dimension, filters)
	if err != nil {
		return err
	}
	choices := []choice{}
	for _, member := range members {
		choices = append(choices, choice{Value: member, Label: query.MemberLabel(member)})
	}
	writeJSON(w, http.StatusOK, choices)
	return nil
}

func (i *Instance) listFactorVersions(w http.ResponseWriter, r *http.Request) error {
	versions, err := i.reader.FactorVersions(r.Context())
	if err != nil {
		return err
	}
	type resource struct {
		ID        int    `json:"id"`
		Name      string `json:"name"`
		CreatedAt string `json:"createdAt"`
		Current   bool   `json:"current"`
	}
	resources := []resource{}
	for _, v := range versions {
		resources = append(resources, resource{ID: v.ID, Name: v.Name, CreatedAt: v.CreatedAt.UTC().Format(time.RFC3339), Current: v.InForce})
	}
	writeJSON(w, http.StatusOK, resources)
	return nil
}

func (i *Instance) showCalendar(w http.ResponseWriter, r *http.Request) error {
	calendar, err := i.reader.Calendar(r.Context())
	if err != nil {
		return err
	}
	calendar = i.company.Calendar(calendar)
	writeJSON(w, http.StatusOK, map[string]any{
		"timeZone":             calendar.Location.String(),
		"fiscalYearStartMonth": int(calendar.FiscalYearStartMonth),
	})
	return nil
}
