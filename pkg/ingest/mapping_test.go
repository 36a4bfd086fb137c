package ingest

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAMappingSaysWhatIsWrongWithIt(t *testing.T) {
	for _, test := range []struct{ yaml, want string }{
		{"colums: {}", "field colums not found"},
		{"columns: [a]", "cannot unmarshal !!seq"},
		{"columns: {modell: llm}", `columns.modell: events have no column "modell": did you mean model?`},
		{"columns: {happiness: llm}", `events have no column "happiness"; they have event_id, ts,`},
		{"columns: {model: }", "columns.model: give from"},
		{"columns: {model: [a, b]}", "line 1: give the column of the file, or from, value"},
		{"columns: {model: {frm: a}}", `line 1: unknown key "frm": it is one of from, value, default, unit, format, zone, names, pue, pue_from`},
		{"columns: {model: {from: [a]}}", "line 1: one text or number is wanted here"},
		{"columns: {model: {from: a, value: b}}", "columns.model: it has from and value"},
		{"columns: {model: {default: b}}", "columns.model: give from (the file's column) or value"},
		{"columns: {model: {value: a, default: b}}", "takes no default"},
		{"columns: {model: {value: ' '}}", "the value is empty"},
		{"columns: {model: {from: a, unit: J}}", "columns.model: it has no unit"},
		{"columns: {model: {from: a, zone: UTC}}", "only times have a format and a zone"},
		{"columns: {model: {from: a, pue: 1.2}}", "only energy has a PUE inside"},
		{"columns: {requests: {from: a, names: {b: c}}}", "only texts have names"},
		{"columns: {it_energy_kwh: {from: a, unit: kwh}}", `unknown unit "kwh": did you mean kWh?`},
		{"columns: {it_energy_kwh: {from: a, unit: mj}}", `unknown unit "mj": did you mean mJ or MJ?`},
		{"columns: {it_energy_kwh: {from: a, unit: parsec}}", `unknown unit "parsec" of energy: it is one of kWh, J, MJ, MWh, Wh, kJ, mJ, mWh, µJ`},
		{"columns: {it_energy_kwh: {from: a, pue: 0.9}}", "pue 0.9 is not between 1 and 10"},
		{"columns: {it_energy_kwh: {from: a, pue: 1.2, pue_from: b}}", "it has pue and pue_from"},
		{"columns: {it_energy_kwh: {value: many}}", `value "many" is not a number`},
		{"columns: {ts: {from: a, zone: Mars}}", `"Mars" is not a time zone`},
		{"columns: {ts: {from: a, zone: Local}}", `"Local" is not a time zone`},
		{"columns: {ts: {from: a, format: unix_ms, zone: UTC}}", "takes no zone"},
		{"columns: {ts: {from: a, format: yyyy-mm-dd}}", `unknown format "yyyy-mm-dd": it is iso, unix_s`},
		{"columns: {ts: {from: a, format: '%q'}}", `format "%q" cannot be read`},
		{"columns: {ts: {from: a, format: '%H:%M'}}", `format "%H:%M" does not say the whole date`},
		{"columns: {ts: {value: soon}}", `value "soon" is not a time`},
		{"columns: {model: a}\nignore: [A]", `ignore: the column "A" is used for model`},
		{"ignore: [region]", "events have no region: the file's column of that name is ignored or used for another"},
		{"columns: {model: region}", "events have no region: the file's column of that name is ignored or used for another"},
		{"columns: {model: a}\ncolumns: {model: b}", "already defined"},
		{"columns: {model: a, model: b}", "already defined"},
		{"columns: {model: a}\n---\ncolumns: {}", "a second document"},
		{strings.Repeat(" ", largestMapping+1), "larger than"},
	} {
		_, err := ParseMapping([]byte(test.yaml), "events")
		assert.ErrorContains(t, err, test.want, "%.100s", test.yaml)
	}
	_, err := ParseMapping(nil, "dreams")
	assert.ErrorContains(t, err, "it is of events, models or projects")
	_, err = ReadMapping("nowhere.yaml", "events")
	assert.ErrorContains(t, err, "reading the mapping: open nowhere.yaml")
}

func TestTheSampleMappingIsRight(t *testing.T) {
	text, err := os.ReadFile("../../deploy/events-mapping.yaml")
	require.NoError(t, err)
	mapping, err := ParseMapping(text, "events")
	require.NoError(t, err)
	assert.Equal(t, []string{"carbon_location_kg", "cost_usd", "endpoint", "event_id", "input_tokens", "it_energy_kwh", "latency_ms", "model", "output_tokens",
		"project", "quality", "region", "requests", "source", "ts", "workload"}, mapping.names())
}

func FuzzParseMapping(f *testing.F) {
	for _, seed := range []string{
		"", "columns: {model: llm}", "columns: {ts: {from: a, format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}}\nignore: [b]",
		"columns: {it_energy_kwh: {from: a, unit: J, pue: 1.2}, quality: {value: measured}}", "a: &a [*a]", "columns: {model: {names: {a: b}}}", "---\n---",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mapping, err := ParseMapping([]byte(text), "events")
		if err != nil {
			return
		}
		// What is right can be bound to the columns that it wants, and reads any row.
		wanted := mapping.wanted(eventShape)
		header := newHeader(append(wanted.required, wanted.optional...))
		m := &mapped{shape: eventShape, mapping: mapping}
		if err := m.bind(header); err != nil {
			t.Fatalf("a mapping that was accepted cannot be bound: %s", err)
		}
		row := record{fields: make([]string, len(header.names)), header: header}
		parser := eventParser{mapped: m, now: now, ids: newIdentities()}
		_, _ = parser.event(row)
	})
}
