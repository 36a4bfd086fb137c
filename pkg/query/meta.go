package query

import (
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// meta is the custom metadata of every frame: what the numbers rest on.
type meta struct {
	QueryType      string       `json:"queryType"`
	Period         spanMeta     `json:"period"`
	PreviousPeriod *spanMeta    `json:"previousPeriod,omitempty"`
	TimeZone       string       `json:"timeZone"`
	Scope          []string     `json:"scope,omitempty"`         // the business units that the login is limited to
	Freshness      string       `json:"freshness,omitempty"`     // time of the newest event, RFC 3339
	MeasuredShare  *float64     `json:"measuredShare,omitempty"` // of the energy, 0..1
	FactorVersion  *versionMeta `json:"factorVersion,omitempty"`
	Step           string       `json:"step,omitempty"` // how long a row is
	Denominator    string       `json:"denominator,omitempty"`
	CostBasis      string       `json:"costBasis,omitempty"`
	CarbonMethod   string       `json:"carbonMethod,omitempty"`
	GPUSource      string       `json:"gpuSource,omitempty"`    // local or fleet
	LatencyError   float64      `json:"latencyError,omitempty"` // relative, of a percentile
	// Correlation is Spearman's ρ of breach rate and cost, over so many steps.
	Correlation     *float64 `json:"correlation,omitempty"`
	CorrelationOver int      `json:"correlationOver,omitempty"`

	Annualised   *annualMeta   `json:"annualised,omitempty"`
	DiscountRate *float64      `json:"discountRate,omitempty"` // per year, 0..1
	Cohorts      []cohortMeta  `json:"cohorts,omitempty"`
	Change       *changeMeta   `json:"change,omitempty"` // what keyDrivers explains
	Formulas     []formulaMeta `json:"formulas,omitempty"`
	Trend        *trendMeta    `json:"trend,omitempty"` // how efficiencyTrend forecast
}

type spanMeta struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// annualMeta says what a year was scaled from.
type annualMeta struct {
	spanMeta
	Days   float64 `json:"days"`
	Factor float64 `json:"factor"`
}

type versionMeta struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// cohortMeta names the models that stars were given among.
type cohortMeta struct {
	TaskClass string  `json:"taskClass"`
	Models    int     `json:"models"`
	Least     float64 `json:"leastKwhPer1kRequests"`
	Most      float64 `json:"mostKwhPer1kRequests"`
	Bands     string  `json:"bands"`
	Starred   bool    `json:"starred"`
	Reference string  `json:"referenceDate"`
}

type formulaMeta struct {
	Field   string `json:"field"`
	Formula string `json:"formula"`
}

func newMeta(request Request, span kpi.Span, provenance warehouse.Provenance, zone *time.Location) *meta {
	m := &meta{QueryType: request.Type.Name, Period: describeSpan(span, zone), TimeZone: zone.String()}
	if !provenance.NewestEvent.IsZero() {
		m.Freshness = provenance.NewestEvent.UTC().Format(time.RFC3339)
	}
	if provenance.FactorVersion.ID != 0 {
		m.FactorVersion = &versionMeta{ID: provenance.FactorVersion.ID, Name: provenance.FactorVersion.Name}
	}
	return m
}

func describeSpan(span kpi.Span, zone *time.Location) spanMeta {
	return spanMeta{From: span.From.In(zone).Format(time.RFC3339), To: span.To.In(zone).Format(time.RFC3339)}
}

// attach puts the metadata, the statement and the notices on a frame.
func attach(frame *data.Frame, m *meta, sql string, notices []data.Notice) *data.Frame {
	if frame.Meta == nil {
		frame.Meta = &data.FrameMeta{}
	}
	frame.Meta.Custom = m
	frame.Meta.ExecutedQueryString = sql
	frame.Meta.Notices = notices
	return frame
}

func warning(text string) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityWarning, Text: text}
}

func information(text string) data.Notice {
	return data.Notice{Severity: data.NoticeSeverityInfo, Text: text}
}
