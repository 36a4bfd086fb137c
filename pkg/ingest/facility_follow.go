package ingest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// FacilityFollowing says how a gateway is asked again and again.
type FacilityFollowing struct {
	Region string // empty: as the readings say
	// Since is from when readings are asked for while there are none; zero: all.
	Since time.Time
	Every time.Duration
	// Rejects makes the file for what an answer has rejected.
	Rejects func() *Rejects
	// Took is told what an answer has brought.
	Took func(context.Context, FacilityReport) error
	Tell func(format string, arguments ...any)
	Now  func() time.Time
}

// askedAgain is how far before the last reading it asks: corrections come late.
const askedAgain = 72 * time.Hour

// afterFailure is the longest pause after a failure.
const afterFailure = time.Minute

// Follow asks until ctx ends, and returns what became of the readings. A failure is told
// once and asked again; its error is a mistake of the caller.
func (g *FacilityGateway) Follow(ctx context.Context, store *warehouse.Store, following FacilityFollowing) (Report, error) {
	var total Report
	last, rejected, failing := "", 0, false
	for first := true; ; first = false {
		wait := following.Every
		report, err := g.followOnce(ctx, store, &following)
		var option *OptionError
		switch {
		case ctx.Err() != nil:
			return total, nil
		case errors.As(err, &option):
			return total, err
		case err != nil:
			wait = min(wait, afterFailure)
			if text := warehouse.Explain(err).Error(); text != last {
				following.Tell("%s. It is asked again.", strings.TrimSuffix(text, "."))
				last = text
			}
			failing = true
		case failing:
			following.Tell("The readings come again.")
			last, failing = "", false
		}
		total.Stored += report.Stored
		total.Rejected += max(0, report.Rejected-rejected)
		if first {
			total.Unchanged = report.Unchanged
		}
		if err == nil && report.Read > 0 {
			rejected = report.Rejected
		}
		total.Read = total.Stored + total.Unchanged + total.Rejected
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return total, nil
		case <-timer.C:
		}
	}
}

func (g *FacilityGateway) followOnce(ctx context.Context, store *warehouse.Store, following *FacilityFollowing) (FacilityReport, error) {
	since, err := FacilitySince(ctx, store, orElse(following.Region, g.region), following.Since)
	if err != nil {
		return FacilityReport{}, err
	}
	rejects := following.Rejects()
	report, err := g.Import(ctx, store, rejects, following.Region, since, following.Now())
	err = errors.Join(err, rejects.Close())
	if err == nil || report.Stored > 0 {
		err = errors.Join(err, following.Took(ctx, report))
	}
	return report, err
}

// FacilitySince is from when a gateway is asked for readings: from some days before the
// last that is stored, else from a given time.
func FacilitySince(ctx context.Context, store *warehouse.Store, region string, otherwise time.Time) (time.Time, error) {
	if region == "" {
		return otherwise, nil
	}
	last, err := store.LastFacilityReading(ctx, region)
	if err != nil || last.IsZero() {
		return otherwise, err
	}
	return last.Add(-askedAgain), nil
}
