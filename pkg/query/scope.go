package query

import (
	"maps"
	"slices"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// within is the request of a login that sees some business units only. What it sees is
// the database's to enforce; here the request is asked of these units in the first
// place, so that their revenue and budgets stand beside their work, and not the
// company's, which are hidden. The GPUs of the machine that answers are nobody's.
func (request Request) within(scope []string) Request {
	request.Local = LocalGPUs{}
	units := slices.DeleteFunc(slices.Clone(scope), func(unit string) bool { return unit == kpi.Idle || unit == kpi.Unallocated })
	if len(request.Filters[kpi.DimensionBusinessUnit]) == 0 && len(units) == len(scope) {
		request.Filters = maps.Clone(request.Filters)
		if request.Filters == nil {
			request.Filters = kpi.Filters{}
		}
		request.Filters[kpi.DimensionBusinessUnit] = units
	}
	return request
}

// sayScope says of each frame what it is limited to.
func sayScope(frames data.Frames, scope []string) {
	if scope == nil {
		return
	}
	for _, frame := range frames {
		if m, ok := frame.Meta.Custom.(*meta); ok {
			m.Scope = scope
		}
		frame.Meta.Notices = append(frame.Meta.Notices, information("Limited to "+strings.Join(scope, ", ")+". The company's own figures are not visible here."))
	}
}
