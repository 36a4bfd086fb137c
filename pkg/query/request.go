package query

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Format is the shape of an answer.
type Format string

// The formats. FormatNumber is what an alert rule takes: labels and one number.
const (
	FormatTable      Format = "table"
	FormatTimeSeries Format = "time_series"
	FormatNumber     Format = "number"
)

// Request is a query that has been read and checked: its group-by, format and
// metric are ones its type has.
type Request struct {
	Type          *Type
	Span          kpi.Span // as the dashboard asked
	GroupBy       []kpi.Dimension
	Filters       kpi.Filters
	Format        Format
	Metric        string
	Interval      kpi.Interval
	MaxDataPoints int64
	FactorVersion int
	Company       Company
	// Local are the GPUs of the machine that answers; whoever asks sets them.
	Local LocalGPUs
	// Now is when the query was asked. What has not ended by then is incomplete.
	Now time.Time

	options json.RawMessage
}

// ByTheHour says that another range which begins and ends in the same hours has
// the same answer, as the roll-ups are by the hour.
func (r Request) ByTheHour() bool { return !r.Type.ofTheMoment }

// Live says that the answer changes though nothing is committed, so nobody may keep
// it.
func (r Request) Live() bool { return r.Type.live }

// Company is what the data source's settings say of the company.
type Company struct {
	// Zone cuts days, weeks and quarters; nil is the warehouse's.
	Zone *time.Location
	// FiscalYearStart is the month in which fiscal years begin; 0 is the warehouse's.
	FiscalYearStart time.Month
	// CarbonPrice is the internal price in USD per tonne CO2e; 0 is none.
	CarbonPrice float64
}

// Calendar is the warehouse's with what the settings say instead.
func (c Company) Calendar(warehouse kpi.Calendar) kpi.Calendar {
	if c.Zone != nil {
		warehouse.Location = c.Zone
	}
	if c.FiscalYearStart != 0 {
		warehouse.FiscalYearStartMonth = c.FiscalYearStart
	}
	return warehouse
}

// BadRequestError is a query that cannot be answered as it was asked. It says
// what is wrong and what would be right.
type BadRequestError struct{ message string }

func (e *BadRequestError) Error() string { return e.message }

// BadRequest makes a BadRequestError.
func BadRequest(format string, arguments ...any) error {
	return &BadRequestError{message: fmt.Sprintf(format, arguments...)}
}

// model is the query as a panel holds it. See src/types.ts.
type model struct {
	QueryType     string              `json:"queryType"`
	GroupBy       []string            `json:"groupBy"`
	Filters       map[string][]string `json:"filters"`
	Format        Format              `json:"format"`
	Metric        string              `json:"metric"`
	Interval      string              `json:"interval"`
	FactorVersion int                 `json:"factorVersion"`
	Options       json.RawMessage     `json:"options"`
}

// Parse reads and checks a query that is asked now. Its error is a
// BadRequestError.
func Parse(query backend.DataQuery, company Company, now time.Time) (Request, error) {
	var m model
	if err := json.Unmarshal(query.JSON, &m); err != nil {
		return Request{}, BadRequest("The query is not what this data source's editor writes: %s.", describeJSON(err))
	}
	name := m.QueryType
	if name == "" {
		name = query.QueryType
	}
	queryType := findType(name)
	if queryType == nil {
		return Request{}, BadRequest("There is no query type %q. The query types are %s.", name, strings.Join(typeNames(), ", "))
	}
	if !query.TimeRange.From.Before(query.TimeRange.To) {
		return Request{}, BadRequest("The time range ends at %s, before it begins. Choose a range with an end after its start.",
			query.TimeRange.To.Format(time.RFC3339))
	}
	request := Request{
		Type:          queryType,
		Span:          kpi.Span{From: query.TimeRange.From, To: query.TimeRange.To},
		MaxDataPoints: query.MaxDataPoints,
		FactorVersion: m.FactorVersion,
		Company:       company,
		Now:           now,
		options:       m.Options,
	}
	var err error
	if request.GroupBy, err = parseGroupBy(m.GroupBy, queryType); err != nil {
		return Request{}, err
	}
	if request.Filters, err = parseFilters(m.Filters); err != nil {
		return Request{}, err
	}
	if request.Format, request.Metric, err = parseFormat(m.Format, m.Metric, queryType); err != nil {
		return Request{}, err
	}
	if request.Interval, err = kpi.ParseInterval(m.Interval); err != nil {
		return Request{}, BadRequest("The interval %s.", err)
	}
	if m.FactorVersion < 0 {
		return Request{}, BadRequest("The factor version %d is none: leave it out for the one in force.", m.FactorVersion)
	}
	return request, nil
}

func parseGroupBy(names []string, queryType *Type) ([]kpi.Dimension, error) {
	if len(names) == 0 {
		return queryType.DefaultGroupBy, nil
	}
	var dimensions []kpi.Dimension
	for _, name := range names {
		dimension, err := kpi.ParseDimension(name, queryType.GroupBy)
		if err != nil {
			if len(queryType.GroupBy) == 0 {
				return nil, BadRequest("%s has no group-by: leave it out.", queryType.Name)
			}
			return nil, BadRequest("%s cannot be grouped by it: %s.", queryType.Name, err)
		}
		if !slices.Contains(dimensions, dimension) {
			dimensions = append(dimensions, dimension)
		}
	}
	if queryType.OneGroup && len(dimensions) > 1 {
		return nil, BadRequest("%s takes one group-by, not %d.", queryType.Name, len(dimensions))
	}
	return dimensions, nil
}

func parseFilters(members map[string][]string) (kpi.Filters, error) {
	filters := kpi.Filters{}
	for name, wanted := range members {
		dimension, err := kpi.ParseDimension(name, kpi.FilterDimensions())
		if err != nil {
			return nil, BadRequest("Nothing can be filtered by it: %s.", err)
		}
		wanted = slices.DeleteFunc(slices.Clone(wanted), func(member string) bool { return member == "" })
		if len(wanted) > 0 {
			filters[dimension] = wanted
		}
	}
	return filters, nil
}

func parseFormat(format Format, metric string, queryType *Type) (Format, string, error) {
	if format == "" {
		format = FormatTable
	}
	if !slices.Contains(queryType.Formats, format) {
		return "", "", BadRequest("%s has no format %q. Its formats are %s.", queryType.Name, format, joinFormats(queryType.Formats))
	}
	if format == FormatTable {
		return format, "", nil
	}
	if metric == "" {
		metric = queryType.Metrics[0]
	}
	if !slices.Contains(queryType.Metrics, metric) {
		return "", "", BadRequest("%s has no metric %q. Its metrics are %s.", queryType.Name, metric, strings.Join(queryType.Metrics, ", "))
	}
	return format, metric, nil
}

func joinFormats(formats []Format) string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return strings.Join(names, ", ")
}

// readOptions decodes the options of a query type over its defaults. An option
// the type does not have is an error, because a misspelt one would be ignored.
func readOptions[T any](request Request, options *T) error {
	if len(bytes.TrimSpace(request.options)) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(request.options))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(options); err != nil {
		return BadRequest("The options of %s cannot be read: %s.", request.Type.Name, describeJSON(err))
	}
	return nil
}

// oneOf refuses an option's value that is not among the allowed ones.
func oneOf(option, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return BadRequest("The option %s is %q. It must be one of %s.", option, value, strings.Join(allowed, ", "))
}

// describeJSON says what is wrong without Go's names for it.
func describeJSON(err error) string {
	var typeErr *json.UnmarshalTypeError
	if errors.As(err, &typeErr) && typeErr.Field != "" {
		return fmt.Sprintf("%s must not be a %s", typeErr.Field, typeErr.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
