package warehouse

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// TestUsageStatementIsFilledInAndReadsNoMore composes the statement of every set of
// measures left out.
func TestUsageStatementIsFilledInAndReadsNoMore(t *testing.T) {
	marker := regexp.MustCompile(`/\*.*?\*/`)
	every := MeasureTokens | MeasureCost | MeasureCarbon | MeasureGPU | MeasureLatency | MeasureScore | MeasureFacility | MeasureEnergyCost | MeasurePrice
	for omit := Measure(0); omit <= every; omit++ {
		for _, how := range []reading{{true, true}, {true, false}, {false, true}, {false, false}} {
			statement, err := composeUsage(UsageRequest{GroupBy: []kpi.Dimension{kpi.DimensionTeam}, Omit: omit,
				Filters: kpi.Filters{kpi.DimensionRegion: {"FRA"}}}, how)
			if omit&MeasurePrice != 0 && omit&(MeasureCost|MeasureCarbon) != MeasureCost|MeasureCarbon {
				require.ErrorContains(t, err, "cost and carbon are priced")
				continue
			}
			require.NoError(t, err)
			require.Equal(t, omit&MeasurePrice == 0, regexp.MustCompile(`\bx\.`).MatchString(statement))
			require.Empty(t, marker.FindAllString(statement, -1), "omitting %b", omit)
			require.Equal(t, how.months, regexp.MustCompile(`rollup_month\b`).MatchString(statement))
			require.Equal(t, !how.apart && omit&MeasurePrice == 0, regexp.MustCompile(`\bcombined\b`).MatchString(statement))
			require.Equal(t, omit&MeasureScore == 0, regexp.MustCompile(`rollup_unrequested_day`).MatchString(statement))
			for _, column := range usageColumns {
				if omit&column.measure != 0 {
					require.NotRegexp(t, `sum\([^()]*\b`+column.name+`\b`, statement, "an exact sum of nothing takes as long, omitting %b", omit)
				}
			}
		}
	}
}

func TestAQuestionReadsTheFewestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		request UsageRequest
		family  string
	}{
		"all in one":                {UsageRequest{Omit: MeasureScore}, "rollup_site"},
		"a score knows its models":  {UsageRequest{}, "rollup_model"},
		"by region":                 {UsageRequest{GroupBy: []kpi.Dimension{kpi.DimensionRegion}, Omit: MeasureScore}, "rollup_site"},
		"by what a model is for":    {UsageRequest{GroupBy: []kpi.Dimension{kpi.DimensionTaskClass}, Omit: MeasureScore}, "rollup_model"},
		"of one model":              {UsageRequest{Filters: kpi.Filters{kpi.DimensionModel: {"m"}}, Omit: MeasureScore}, "rollup_model"},
		"an empty filter":           {UsageRequest{Filters: kpi.Filters{kpi.DimensionModel: {}}, Omit: MeasureScore}, "rollup_site"},
		"by team":                   {UsageRequest{GroupBy: []kpi.Dimension{kpi.DimensionTeam}, Omit: MeasureScore}, "rollup"},
		"by model, of one endpoint": {UsageRequest{GroupBy: []kpi.Dimension{kpi.DimensionModel}, Filters: kpi.Filters{kpi.DimensionEndpoint: {"e"}}}, "rollup"},
	} {
		assert.Equal(t, c.family, familyFor(c.request).name, name)
	}
}
