package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// facilityVersion is the version of the contract that docs/facility-pue.md describes.
const facilityVersion = 1

// facilityPage is a page of readings as a gateway answers it. What else it says is read
// over.
type facilityPage struct {
	Version  int               `json:"version"`
	Region   string            `json:"region"`
	Source   string            `json:"source"`
	Readings []json.RawMessage `json:"readings"`
	Next     string            `json:"next"`
}

// parseFacilityPage reads a page. Its readings are read one by one, so that a bad one
// costs itself alone.
func parseFacilityPage(body []byte) (facilityPage, error) {
	var page facilityPage
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if err := json.Unmarshal(quoteNaN(body), &page); err != nil {
		var syntax *json.SyntaxError
		switch {
		case len(bytes.TrimSpace(body)) == 0:
			return page, errors.New("the answer is empty: it must be a JSON object with version, region and readings")
		case errors.As(err, &syntax):
			return page, fmt.Errorf("the answer is not JSON (%w, at byte %d); it begins with %q", err, syntax.Offset, firstBytes(body))
		}
		return page, fmt.Errorf("the answer is not of the contract: %w", err)
	}
	switch {
	case page.Version == 0:
		return page, fmt.Errorf("the answer has no version: it must be %d", facilityVersion)
	case page.Version != facilityVersion:
		return page, fmt.Errorf("the answer is of version %d and this wattctl reads %d", page.Version, facilityVersion)
	case page.Readings == nil:
		return page, errors.New("the answer has no readings: where there are none it is an empty list")
	}
	return page, nil
}

func firstBytes(body []byte) string {
	const most = 60
	return string(bytes.ToValidUTF8(body[:min(most, len(body))], []byte("?")))
}

// quoteNaN puts NaN, Infinity and -Infinity in quotes where they stand for a number, as
// Python writes them, which JSON has no word for: then they cost one reading and not all.
func quoteNaN(body []byte) []byte {
	if !bytes.Contains(body, []byte("NaN")) && !bytes.Contains(body, []byte("Infinity")) {
		return body
	}
	var quoted bytes.Buffer
	inText := false
	for i := 0; i < len(body); i++ {
		switch {
		case inText && body[i] == '\\' && i+1 < len(body):
			quoted.WriteByte(body[i])
			i++
		case body[i] == '"':
			inText = !inText
		case !inText:
			if word := notANumber(body[i:]); word != "" {
				quoted.WriteString(strconv.Quote(word))
				i += len(word) - 1
				continue
			}
		}
		quoted.WriteByte(body[i])
	}
	return quoted.Bytes()
}

func notANumber(body []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(body, []byte(word)) {
			return word
		}
	}
	return ""
}

// parseFacilityReading reads one reading: the energies of an interval, or the PUE of an
// interval or of a moment.
func parseFacilityReading(raw []byte, source string) (warehouse.FacilityReading, error) {
	reading := warehouse.FacilityReading{Source: source}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(raw, &said); err != nil || said == nil {
		return reading, errors.New("it is not a JSON object")
	}
	fields := facilityFields(said)
	moment := fields.has("time")
	switch {
	case moment && (fields.has("from") || fields.has("to")):
		return reading, errors.New("it has time, of a moment, and from or to, of an interval")
	case !moment && !(fields.has("from") && fields.has("to")):
		return reading, errors.New("it has neither from and to, nor time")
	case moment && (fields.has("facility_kwh") || fields.has("it_kwh")):
		return reading, errors.New("it has energies of a moment: an energy is of an interval, from and to")
	case !fields.has("pue") && !(fields.has("facility_kwh") && fields.has("it_kwh")):
		return reading, errors.New("it has neither facility_kwh and it_kwh, nor pue")
	case fields.has("pue") && (fields.has("facility_kwh") || fields.has("it_kwh")):
		return reading, errors.New("it has energies and a PUE: which one counts cannot be told")
	}
	var err error
	if moment {
		reading.From, err = fields.time("time")
		reading.To = reading.From
	} else {
		if reading.From, err = fields.time("from"); err == nil {
			reading.To, err = fields.time("to")
		}
	}
	if err != nil {
		return reading, err
	}
	if fields.has("pue") {
		reading.PUE, err = fields.number("pue")
		return reading, err
	}
	if reading.Facility, err = fields.energy("facility_kwh"); err == nil {
		reading.IT, err = fields.energy("it_kwh")
	}
	return reading, err
}

type facilityFields map[string]json.RawMessage

// has says whether a field is there and not null.
func (f facilityFields) has(name string) bool {
	value, there := f[name]
	return there && string(value) != "null"
}

func (f facilityFields) text(name string) string {
	var text string
	if json.Unmarshal(f[name], &text) == nil {
		return strings.TrimSpace(text)
	}
	return string(f[name])
}

// time reads a time with its offset from UTC: a meter's local time without one would be
// taken for another hour.
func (f facilityFields) time(name string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, f.text(name))
	if err != nil {
		return t, fmt.Errorf("%s %q is not a time: write it as 2026-01-31T12:00:00Z or with an offset, +01:00", name, excerpt([]byte(f.text(name))))
	}
	return t.Truncate(time.Microsecond), nil
}

func (f facilityFields) number(name string) (float64, error) {
	value, err := parseAmount(f.text(name))
	if err != nil {
		return 0, fmt.Errorf("%s %w", name, err)
	}
	return value, nil
}

func (f facilityFields) energy(name string) (kpi.NanowattHours, error) {
	value, err := f.number(name)
	const mostKilowattHours = 9_000_000 // which a counter of nWh holds
	switch {
	case err != nil:
		return 0, err
	case value > mostKilowattHours:
		return 0, fmt.Errorf("%s %g is more than %d: give shorter readings, or correct the unit", name, value, mostKilowattHours)
	}
	return kpi.NanowattHours(math.Round(value * nanowattHoursPerKilowattHour)), nil
}
