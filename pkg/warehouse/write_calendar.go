package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// SetCalendar changes the company's time zone (an IANA name) and the month its
// fiscal year begins with. A change of zone moves every day and with it the daily
// roll-ups, which are made again from the facts. The login must be a member of
// wattscore_owner.
func (s *Store) SetCalendar(ctx context.Context, zone string, fiscalYearStart time.Month) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return fmt.Errorf("%q is not a time zone: use an IANA name, for example Europe/Berlin", zone)
	}
	if fiscalYearStart < time.January || fiscalYearStart > time.December {
		return fmt.Errorf("a fiscal year cannot begin with month %d: use 1 to 12", fiscalYearStart)
	}
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE wattscore_owner"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "SELECT wattscore.set_calendar($1, $2::smallint)", zone, int(fiscalYearStart))
		return err
	})
	if err != nil {
		return fmt.Errorf("setting the calendar: %w", err)
	}
	return nil
}
