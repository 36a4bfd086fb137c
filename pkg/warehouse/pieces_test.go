package warehouse

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

func TestPiecesCoverASpanExactlyOnce(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"} {
		t.Run(zone, func(t *testing.T) {
			location, err := time.LoadLocation(zone)
			require.NoError(t, err)
			calendar := kpi.Calendar{Location: location}
			random := rand.New(rand.NewPCG(1, 2))
			for range 300 {
				from := calendar.Start(time.Date(2026, 1, 1, random.IntN(9000), 0, 0, 0, location), kpi.IntervalHour)
				to := calendar.Start(from.Add(time.Duration(1+random.IntN(3000))*time.Hour), kpi.IntervalHour)
				cut := pieces{}
				cut.cover(calendar, kpi.Span{From: from, To: to}, 0, 1, grains)
				counted := map[time.Time]int32{}
				for grain, found := range cut {
					for _, piece := range found {
						require.True(t, calendar.Start(piece.span.From, grain).Equal(piece.span.From), "a piece begins with its bucket")
						require.True(t, calendar.Start(piece.span.To, grain).Equal(piece.span.To), "a piece ends with its bucket")
						for hour := piece.span.From; hour.Before(piece.span.To); hour = hour.Add(time.Hour) {
							counted[hour.UTC()] += piece.sign
						}
					}
				}
				for hour, times := range counted {
					inside := !hour.Before(from) && hour.Before(to)
					require.Equal(t, inside, times == 1, "%s to %s: the hour %s counts %d times", from, to, hour, times)
					require.Equal(t, !inside, times == 0, "%s to %s: the hour %s counts %d times", from, to, hour, times)
				}
				require.GreaterOrEqual(t, len(counted), int(to.Sub(from).Hours()), "no hour is left out")
			}
		})
	}
}

func TestPiecesReadFewBuckets(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse("2006-01-02T15", text)
		require.NoError(t, err)
		return parsed
	}
	buckets := func(span kpi.Span) map[kpi.Interval]int {
		cut, count := pieces{}, map[kpi.Interval]int{}
		cut.cover(kpi.Calendar{Location: time.UTC}, span, 0, 1, grains)
		for grain, found := range cut {
			for _, piece := range found {
				count[grain] += len(kpi.Calendar{Location: time.UTC}.Buckets(piece.span, grain))
			}
		}
		return count
	}
	assert.Equal(t, map[kpi.Interval]int{kpi.IntervalMonth: 3}, buckets(kpi.Span{From: at("2026-07-01T00"), To: at("2026-10-01T00")}), "a quarter")
	assert.Equal(t, map[kpi.Interval]int{kpi.IntervalMonth: 2, kpi.IntervalDay: 2, kpi.IntervalHour: 3},
		buckets(kpi.Span{From: at("2026-07-02T01"), To: at("2026-08-30T22")}), "two months less two days at their ends, and less an hour and two")
}
