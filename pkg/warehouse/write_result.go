package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// WriteResult says what became of the items of a batch. Every item is counted
// once: stored, unchanged or rejected.
type WriteResult struct {
	Stored    int // new or changed
	Unchanged int // were there already, word for word
	Rejected  []Rejection
	// StoredItems are the indexes of the stored items, ascending.
	StoredItems []int
}

// screen checks the items of a batch and returns the indexes of those to write.
// An item said twice counts once and is unchanged the second time; one that
// contradicts an earlier item of its key is rejected, because which of them is
// right cannot be told.
func screen[T any](items []T, key func(T) string, check func(T) error) (accepted []int, result WriteResult) {
	first := make(map[string]int, len(items))
	for i, item := range items {
		if err := check(item); err != nil {
			result.Rejected = append(result.Rejected, Rejection{Index: i, Reason: err})
			continue
		}
		earlier, seen := first[key(item)]
		switch {
		case !seen:
			first[key(item)] = i
			accepted = append(accepted, i)
		case reflect.DeepEqual(items[earlier], item):
			result.Unchanged++
		default:
			result.Rejected = append(result.Rejected, Rejection{Index: i,
				Reason: fmt.Errorf("an earlier entry for %s says otherwise: keep the one that is right", strings.ReplaceAll(key(item), keySeparator, ", "))})
		}
	}
	return accepted, result
}

// keySeparator stands between the parts of an item's key.
const keySeparator = "\x00"

func keyOf(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), keySeparator)
}

// store runs a statement that writes the accepted items and returns the place,
// from 1, of each that was new or changed.
func (r *WriteResult) store(ctx context.Context, tx pgx.Tx, statement string, arguments pgx.NamedArgs, accepted []int) error {
	if len(accepted) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, statement, arguments)
	if err != nil {
		return err
	}
	places, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	r.count(places, accepted)
	return nil
}

// count notes which of the accepted items were stored, by their places from 1.
func (r *WriteResult) count(places, accepted []int) {
	for _, place := range places {
		r.StoredItems = append(r.StoredItems, accepted[place-1])
	}
	slices.Sort(r.StoredItems)
	r.Stored = len(places)
	r.Unchanged += len(accepted) - len(places)
}

// column is what one field of the accepted items holds, for unnest.
func column[T, V any](items []T, accepted []int, field func(T) V) []V {
	values := make([]V, len(accepted))
	for i, index := range accepted {
		values[i] = field(items[index])
	}
	return values
}

// textColumn is like column; an empty text is NULL.
func textColumn[T any](items []T, accepted []int, field func(T) string) []*string {
	return column(items, accepted, func(item T) *string {
		if text := field(item); text != "" {
			return &text
		}
		return nil
	})
}

// longestText is the most bytes a text has, well under what an index can hold.
const longestText = 500

// checkText refuses what PostgreSQL cannot hold as indexed text: one such value would
// fail the whole batch.
func checkText(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%q is not valid UTF-8", text)
		}
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("%q holds a NUL character", text)
		}
		if len(text) > longestText {
			return fmt.Errorf("%.40q… is longer than %d bytes", text, longestText)
		}
	}
	return nil
}

// checkAmount refuses what is no amount: NaN, infinity, less than least.
func checkAmount(name string, amount *float64, least float64) error {
	switch {
	case amount == nil:
		return nil
	case math.IsNaN(*amount) || math.IsInf(*amount, 0):
		return fmt.Errorf("%s is not a number", name)
	case *amount < 0 && least >= 0:
		return fmt.Errorf("%s %g is negative", name, *amount)
	case *amount < least:
		return fmt.Errorf("%s %g is less than %g", name, *amount, least)
	case *amount > largestFigure:
		return fmt.Errorf("%s %g is too large", name, *amount)
	}
	return nil
}

// largestFigure keeps figures in the range in which a float64 has cents.
const largestFigure = 1e13

var (
	// earliestFigure is the first day a factor or a piece of hardware may have.
	earliestFigure = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	// calendarEnd is the day after the calendar's last.
	calendarEnd = time.Date(2046, 1, 1, 0, 0, 0, 0, time.UTC)
)

// checkDay refuses a day that can only be a mistake.
func checkDay(name string, day, earliest time.Time) error {
	switch {
	case day.IsZero():
		return fmt.Errorf("%s is missing", name)
	case day.Before(earliest):
		return fmt.Errorf("%s %s is before %d", name, day.Format(time.DateOnly), earliest.Year())
	case !day.Before(calendarEnd):
		return fmt.Errorf("%s %s is after %d, where the calendar ends", name, day.Format(time.DateOnly), calendarEnd.Year()-1)
	}
	return nil
}

var errNoSource = errors.New("it does not say its source")
