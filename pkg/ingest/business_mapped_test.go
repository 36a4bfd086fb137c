package ingest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

const metricsInWarehouse = "SELECT month, metric, business_unit, value, source FROM wattscore.business_metric ORDER BY metric, month, business_unit"

// importMapped imports a file twice; the second time nothing changes.
func importMapped(t *testing.T, mapping, name string, want Report, rejects ...string) []string {
	t.Helper()
	m, err := ParseBusinessMapping([]byte(mapping))
	require.NoError(t, err)
	pool := warehousetest.Open(t)
	for run := range 2 {
		file := testdata(t, filepath.Join("business", name))
		file.Name = name
		report, err := MappedBusiness(context.Background(), warehouse.OpenStore(pool), file, m, kpi.Calendar{}, now)
		require.NoError(t, err)
		if run > 0 {
			want.Stored, want.Unchanged = 0, want.Stored+want.Unchanged
		}
		assert.Equal(t, want, report)
		assert.ElementsMatch(t, rejects, rejected(t, file))
	}
	return lines(t, pool, metricsInWarehouse)
}

// The sample that ships reads SAP's line items: Windows-1252, a title, decimal commas,
// thousands of EUR, credits with a minus behind, fiscal periods, totals and a footer.
func TestTheSampleMappingReadsSAPLineItems(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "deploy", "business-mapping.yaml"))
	require.NoError(t, err)
	stored := importMapped(t, string(sample), "sap-items.csv",
		Report{Read: 13, Stored: 10, Unchanged: 1, Rejected: 2, Notes: []string{"3 rows were left out by skip.", `1 rows are of nothing in metrics and were left out: "Materialaufwand".`}},
		`17: Betrag in Tsd.: "#BEZUG!" is not a number with the decimal "," and "." between thousands: correct the cell, or numbers in the mapping`,
		"18: the revenue of 2026-03 is not stored, because line 17, which is part of it, cannot be used")
	const source = "SAP S/4HANA, ledger 0L"
	const inUSD = source + "; 1 EUR = 1.0843 USD (ECB reference rate, average of 2026-03)"
	assert.Equal(t, []string{
		`(2026-03-01,arr,"",39034800,"` + inUSD + `")`,           // 36,000 k€ × 1.0843
		`(2026-01-01,revenue,Search,2168600,"` + inUSD + `")`,    // (1,250.50 + 749.50 + 100 − 100) k€ × 1.0843
		`(2026-01-01,revenue,Support,542150,"` + inUSD + `")`,    // 500 k€ × 1.0843
		`(2026-02-01,revenue,Search,1084300,"` + inUSD + `")`,    // 1,000 k€ × 1.0843
		`(2026-02-01,revenue,Support,1084.3,"` + inUSD + `")`,    // 1 k€ × 1.0843
		`(2026-03-01,tickets_solved,"",8200,"` + source + `")`,   // 8.2 thousand
		`(2026-03-01,transactions,"",12345678,"` + source + `")`, // 12,345.678 thousand
	}, stored)
}

// A row of which nobody can say what it is part of may be of any sum, so none is stored:
// each would be too small where the row belongs to it.
func TestNoSumIsStoredWhereARowCannotBePlaced(t *testing.T) {
	mapping, err := ParseBusinessMapping([]byte("month: {column: M, format: '{YYYY}-{MM}'}\nmetric_column: K\nvalue_column: V\nmetrics: {R: {metric: revenue}, A: {metric: arr}}\n" +
		"business_unit: {column: U, names: {'1': Search}}\nsum: true\n"))
	require.NoError(t, err)
	const good = "2026-01,1,R,100\n2026-01,1,R,\n2026-02,1,A,7\n"
	const heldBack = "it is not stored, because line 3 cannot be used, and nobody knows which sum that is part of: correct it, or leave it out with skip, and import the file again"
	for bad, why := range map[string]string{
		"2026-01,1,R,5,6": "",
		"2026-01,1,\"R,5": "",
		"2026-01,2,R,5":   `U "2" is none of business_unit.names: add it there, or leave such rows out with skip`,
		"2026-01,1,,5":    "K is empty",
		"January,1,R,5":   `V: "January" is not a month written as {YYYY}-{MM}`,
		"2026-13,1,R,5":   `V: "2026-13" names no month there is`,
	} {
		pool := warehousetest.Open(t)
		store := warehouse.OpenStore(pool)
		file := inMemory(t, "f.csv", "M,U,K,V\n2026-01,1,R,100\n"+bad+"\n2026-01,1,R,\n2026-02,1,A,7\n")
		report, err := MappedBusiness(context.Background(), store, file, mapping, kpi.Calendar{}, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 4, Unchanged: 1, Rejected: 3}, report, bad)
		reasons := rejected(t, file)
		assert.Contains(t, reasons, "2: "+heldBack, bad)
		assert.Contains(t, reasons, "5: "+heldBack, bad)
		if why != "" {
			assert.Contains(t, reasons, "3: "+why, bad)
		}
		assert.Empty(t, lines(t, pool, metricsInWarehouse), bad)

		report, err = MappedBusiness(context.Background(), store, inMemory(t, "f.csv", "M,U,K,V\n"+good), mapping, kpi.Calendar{}, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 3, Stored: 2, Unchanged: 1}, report, "without it they are")
	}
}

func TestAMappingOfMonthsInColumns(t *testing.T) {
	stored := importMapped(t, `
file: {header_line: 3}
numbers: {thousands: ",", signs: ["$"]}
month: {columns: true, format: "{Mon}-{YY}"}
metric_column: Financial Row
metrics: {Net Revenue: {metric: revenue, scale: 1000}}
business_unit: {column: Subsidiary}
skip: [{match: ^Total}]
`, "netsuite-months.csv", Report{Read: 2, Stored: 1, Rejected: 1, Notes: []string{"1 rows were left out by skip.", `1 rows are of nothing in metrics and were left out: "Cost of Sales".`}},
		"4: revenue -1.2505e+06 is negative")
	assert.Equal(t, []string{
		"(2026-01-01,revenue,Search,12500,netsuite-months.csv)",
		"(2026-01-01,revenue,Support,1234500,netsuite-months.csv)",
		"(2026-02-01,revenue,Support,0,netsuite-months.csv)", // a figure, where an empty cell is none
		"(2026-03-01,revenue,Search,3000000,netsuite-months.csv)",
	}, stored)
}

func TestAMappingOfMetricsInColumns(t *testing.T) {
	stored := importMapped(t, `
file: {delimiter: "|"}
numbers: {thousands: " "}
month: {column: PERIOD_END, format: "{YYYY}-{MM}-{DD}"}
metrics:
  NET_REVENUE: {metric: revenue}
  ARR: {metric: arr}
  ORDERS: {metric: transactions}
  MAU: {metric: active_users}
business_unit: {name: Search}
currency: {column: CURRENCY, rates: {EUR: {usd: 1.1, source: "treasury, 2026"}}}
source: Oracle
`, "oracle-metrics.csv", Report{Read: 4, Stored: 2, Rejected: 2},
		`4: ARR: "2026-02-30" names no month there is; MAU: "2026-02-30" names no month there is; NET_REVENUE: "2026-02-30" names no month there is; ORDERS: "2026-02-30" names no month there is`,
		`5: ARR: there is no rate for the currency "GBP": add it to currency.rates; NET_REVENUE: there is no rate for the currency "GBP": add it to currency.rates`)
	assert.Equal(t, []string{
		"(2026-01-01,active_users,Search,7000,Oracle)",
		"(2026-03-01,active_users,Search,7200,Oracle)", // a row without a rate has its counts
		`(2026-01-01,arr,Search,13200000,"Oracle; 1 EUR = 1.1 USD (treasury, 2026)")`,
		"(2026-02-01,arr,Search,12500000,Oracle)",
		`(2026-01-01,revenue,Search,1100000,"Oracle; 1 EUR = 1.1 USD (treasury, 2026)")`,
		"(2026-02-01,revenue,Search,1100000,Oracle)",
		"(2026-01-01,transactions,Search,50000,Oracle)",
		"(2026-02-01,transactions,Search,51000,Oracle)",
		"(2026-03-01,transactions,Search,52000,Oracle)",
	}, stored)
}

const plainMapping = "month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: revenue}}\n"

func TestAMappedFileThatDoesNotFit(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	for _, test := range []struct{ mapping, text, want string }{
		{plainMapping, "M;V\n2026-01;1\n", `f.csv: the columns are separated by semicolons (";"): correct file.delimiter in the mapping`},
		{plainMapping + "file: {delimiter: ;}\n", "M,V\n2026-01,1\n", `f.csv: the columns are separated by commas (","): correct file.delimiter in the mapping`},
		{plainMapping, "Report\nM,V\n", `f.csv: the columns ["M" "V"] are missing in line 1; it has the one column "Report". Correct the names, or file.header_line, in the mapping`},
		{plainMapping, "M\xe4r,V\n", "f.csv: the header is not text in UTF-8: set file.encoding in the mapping, to windows-1252 for instance"},
		{"month: {columns: true, format: '{MM}.{YYYY}'}\nmetrics: {x: {metric: revenue}}\n", "Jan,Feb\n1,2\n", `f.csv: no column is a month written as {MM}.{YYYY}; the file has the columns "Jan", "Feb". Correct month.format in the mapping`},
		{"month: {columns: true, format: '{M}.{YYYY}'}\nmetrics: {x: {metric: revenue}}\n", "1.2026,01.2026\n1,2\n", `f.csv: the columns "1.2026" and "01.2026" are both the month 2026-01: name one otherwise`},
	} {
		mapping, err := ParseBusinessMapping([]byte(test.mapping))
		require.NoError(t, err)
		_, err = MappedBusiness(context.Background(), store, inMemory(t, "f.csv", test.text), mapping, kpi.Calendar{}, now)
		assert.EqualError(t, err, test.want)
	}
	mapping, err := ParseBusinessMapping([]byte(plainMapping))
	require.NoError(t, err)
	file := inMemory(t, "f.csv", "M,V\n2026-01,1\n2026-01,2\n2027-01,3\n")
	report, err := MappedBusiness(context.Background(), store, file, mapping, kpi.Calendar{}, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 3, Stored: 1, Rejected: 2}, report)
	assert.Equal(t, []string{`3: an earlier entry for 2026-01, revenue says otherwise: keep the one that is right, or add the rows up with "sum: true"`,
		"4: V: month 2027-01 is in the future: these are figures of what was"}, rejected(t, file))
}

func TestABusinessMappingSaysWhatIsWrongWithIt(t *testing.T) {
	for mapping, want := range map[string]string{
		"":                              "it is empty",
		"a: 1\n---\nb: 2":               "it holds more than one document",
		plainMapping + "delimitr: ;":    `line 3: there is no key "delimitr" at the top: the keys there are business_unit, currency, file, metric_column, metrics, month, numbers, skip, source, sum, value_column`,
		plainMapping + "file: {sep: ;}": `line 3: there is no key "sep" in file: the keys there are delimiter, encoding, header_line`,
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metrik: revenue}}":                        `line 2: there is no key "metrik" in metrics.V: the keys there are metric, negate, scale, unit`,
		plainMapping + "skip: [{matches: x}]":                                                               `line 3: there is no key "matches" in skip: the keys there are column, match`,
		plainMapping + "currency: {rates: {EUR: {dollars: 1}}}":                                             `in currency.rates.EUR: the keys there are source, usd`,
		plainMapping + "sum: sometimes":                                                                     "cannot unmarshal",
		"metrics: {V: {metric: revenue}}":                                                                   "month says neither column",
		"month: {column: M}\nmetrics: {V: {metric: revenue}}":                                               "month.format is missing",
		"month: {column: M, columns: true, format: '{YYYY}-{MM}'}":                                          "month says both column and columns",
		"month: {column: M, format: '{YYYY}-{MM}'}":                                                         "metrics is missing",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {}}":                                       "metrics.V has no metric: it is one of revenue, arr, transactions, active_users, or one of your own",
		"month: {column: M, format: '{YYYY}-{QQ}'}\nmetrics: {V: {metric: revenue}}":                        "month.format has no token {QQ}: the tokens are {YYYY}",
		"month: {column: M, format: '{YYYY}'}\nmetrics: {V: {metric: revenue}}":                             "does not name one year and one month",
		"month: {column: M, format: '{YYYY}-{PP}'}\nmetrics: {V: {metric: revenue}}":                        "does not name one year and one month",
		"month: {column: M, format: '{YYYY}{MM}{MM}'}\nmetrics: {V: {metric: revenue}}":                     "has the token {MM} twice",
		"month: {column: M, format: '{Mon} {YY}', names: [Jan]}\nmetrics: {V: {metric: revenue}}":           "month.names has 1 names: give all twelve",
		"month: {column: M, format: '{YYYY}-{MM}', closing_periods: true}\nmetrics: {V: {metric: revenue}}": "goes with fiscal periods",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: profit}}":                         "metrics.V: \"profit\" is none of revenue, arr, transactions, active_users. If it is a metric of your own, say its unit: USD or count",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: Profit, unit: USD}}":              "is no name of a metric",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: revenue, unit: count}}":           "the unit of revenue is not count",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: revenue, scale: -1000}}":          "scale -1000.00 is not over 0",
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: revenue, scale: thousand}}":       `"thousand" is not a number like 1000 or 1.0843`,
		"month: {column: M, format: '{YYYY}-{MM}'}\nmetric_column: X\nmetrics: {V: {metric: revenue}}":      "metric_column and value_column go together",
		"month: {columns: true, format: '{YYYY}-{MM}'}\nvalue_column: X\nmetrics: {V: {metric: revenue}}":   "value_column does not go with month.columns",
		"month: {columns: true, format: '{YYYY}-{MM}'}\nmetrics: {V: {metric: revenue}, W: {metric: arr}}":  "give metric_column",
		plainMapping + "file: {encoding: ebcdic}":                                                           `file.encoding "ebcdic" is not one of`,
		plainMapping + "file: {delimiter: '::'}":                                                            `file.delimiter "::" is not one of`,
		plainMapping + "file: {header_line: -1}":                                                            "file.header_line -1",
		plainMapping + "numbers: {decimal: ','}\nfile: {delimiter: ;}\nskip: [{}]":                          "skip, entry 1: match has no expression",
		plainMapping + "skip: [{match: '('}]":                                                               "is not a regular expression",
		plainMapping + "numbers: {decimal: ';'}":                                                            `numbers.decimal ";" is not`,
		plainMapping + "numbers: {thousands: '.'}":                                                          `numbers.decimal and numbers.thousands are both "."`,
		plainMapping + "numbers: {thousands: 'x'}":                                                          `numbers.thousands "x" is not one of`,
		plainMapping + "currency: {code: EUR}":                                                              "currency.code is EUR and currency.rates has none for it",
		plainMapping + "currency: {code: EUR, rates: {EUR: {usd: 1.1}}}":                                    "currency.rates.EUR has no source",
		plainMapping + "currency: {code: EUR, rates: {EUR: {source: x}}}":                                   "currency.rates.EUR has no usd over 0",
		plainMapping + "currency: {code: USD, rates: {USD: {usd: 2, source: x}}}":                           "currency.rates.USD is not 1",
		plainMapping + "currency: {code: USD, column: C}":                                                   "currency says both code",
		plainMapping + "business_unit: {name: a, column: b}":                                                "business_unit says both name",
		plainMapping + "business_unit: {names: {a: b}}":                                                     "no column with the codes",
		plainMapping + "source: " + strings.Repeat("x", 201):                                                "source is longer than 200 bytes",
	} {
		_, err := ParseBusinessMapping([]byte(mapping))
		assert.ErrorContains(t, err, want, mapping)
	}
	_, err := ReadBusinessMapping(filepath.Join(t.TempDir(), "none.yaml"))
	assert.ErrorContains(t, err, "reading the mapping: open ")
}

func TestNumbersAsFilesWriteThem(t *testing.T) {
	american := numberFormat{Decimal: ".", Thousands: ",", Signs: []string{"$", "USD"}, Empty: []string{"-"}}
	german := numberFormat{Decimal: ",", Thousands: "."}
	french := numberFormat{Decimal: ",", Thousands: " "}
	for _, test := range []struct {
		format     numberFormat
		text, want string
	}{
		{american, "1,234,567.89", "1234567.89"}, {american, "(1,234.5)", "-1234.5"}, {american, "($1,234.5)", "-1234.5"}, {american, "$-5", "-5"},
		{american, "12 USD", "12"}, {american, "1.2E+06", "1200000"}, {american, "+7", "7"}, {american, " 7. ", "7"}, {american, ".5", "0.5"}, {american, "\u22125", "-5"},
		{german, "1.234.567,89-", "-1234567.89"}, {german, "-0,1", "-0.1"}, {german, "1234", "1234"},
		{french, "1\u202f234\u00a0567,8", "1234567.8"}, {french, "1 234", "1234"},
		{american, "", ""}, {american, "-", ""}, {american, "\u00a0", ""},
		{american, "1,23", "!"}, {american, "1,2345", "!"}, {american, ",123", "!"}, {american, "1234,567", "!"}, {german, "1.23", "!"}, {german, "1,2,3", "!"},
		{american, "NaN", "!"}, {american, "Inf", "!"}, {american, "0x10", "!"}, {american, "1_000", "!"}, {american, "--5", "!"}, {american, "(-5)", "!"}, {american, "()", "!"},
		{american, "1e99", "!"}, {american, "1e", "!"}, {american, "#REF!", "!"}, {american, "12 %", "!"}, {american, strings.Repeat("9", 61), "!"}, {german, "1/3", "!"},
	} {
		value, err := test.format.parse(test.text)
		switch test.want {
		case "!":
			assert.ErrorContains(t, err, "is not a number with the decimal", test.text)
		case "":
			assert.NoError(t, err)
			assert.Nil(t, value, test.text)
		default:
			if assert.NoError(t, err, test.text) {
				assert.Equal(t, test.want, shortest(value), test.text)
			}
		}
	}
}

func TestMonthsAsFilesWriteThem(t *testing.T) {
	april := kpi.Calendar{FiscalYearStartMonth: time.April}
	german := []string{"Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"}
	for _, test := range []struct {
		format, text string
		calendar     kpi.Calendar
		names        []string
		want         string
	}{
		{"{MM}.{YYYY}", "01.2026", kpi.Calendar{}, nil, "2026-01"},
		{"{YYYY}-{MM}-{DD}", "2026-01-31", kpi.Calendar{}, nil, "2026-01"},
		{"{YYYY}-{MM}-{DD}", "2026-01-32", kpi.Calendar{}, nil, "names no month"},
		{"{Mon}-{YY}", "Jan-26", kpi.Calendar{}, nil, "2026-01"},
		{"{Mon} {YYYY}", "september 2026", kpi.Calendar{}, nil, "2026-09"},
		{"{Mon} {YYYY}", "Sept. 2026", kpi.Calendar{}, nil, "names no month"},
		{"{Mon}. {YY}", "Mrz. 26", kpi.Calendar{}, german, "2026-03"},
		{"{Mon} {YY}", "Okt. 26", kpi.Calendar{}, german, "2026-10"},
		{"{M}/{D}/{YYYY}", "3/31/2026", kpi.Calendar{}, nil, "2026-03"},
		{"{YYYY}{MM}", "202613", kpi.Calendar{}, nil, "names no month"},
		{"Actual {YYYY}/{MM}", "ACTUAL 2026/02", kpi.Calendar{}, nil, "2026-02"},
		{"{YYYY}-{MM}", "26-01", kpi.Calendar{}, nil, "is not a month written as {YYYY}-{MM}"},
		// A fiscal year is named after the year that it ends in: FY26 began in April 2025.
		{"FY{FYY}-P{PP}", "FY26-P03", april, nil, "2025-06"},
		{"FY{FYY}-P{PP}", "FY26-P10", april, nil, "2026-01"},
		{"FY{FYY}-P{PP}", "FY26-P03", kpi.Calendar{}, nil, "2026-03"},
		{"{PPP}.{FYYYY}", "012.2026", april, nil, "2026-03"},
		{"{PPP}.{FYYYY}", "013.2026", april, nil, "is a closing period"},
		{"{PPP}.{FYYYY}", "017.2026", april, nil, "names no period"},
		{"{PPP}.{FYYYY}", "000.2026", april, nil, "names no period"},
	} {
		format, err := newMonthFormat(test.format, test.names, false, test.calendar)
		require.NoError(t, err, test.format)
		month, err := format.parse(test.text)
		if err != nil {
			assert.ErrorContains(t, err, test.want, test.text)
			continue
		}
		assert.Equal(t, test.want, month.Format("2006-01"), test.text)
	}
	closing, err := newMonthFormat("{PPP}.{FYYYY}", nil, true, april)
	require.NoError(t, err)
	month, err := closing.parse("016.2026")
	require.NoError(t, err)
	assert.Equal(t, "2026-03", month.Format("2006-01"), "the year's last")
}

// Whatever a mapping lets through, it reads a file by without a panic, and each row is
// counted once.
func FuzzBusinessMapping(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "deploy", "business-mapping.yaml"))
	require.NoError(f, err)
	f.Add(string(sample), "a\nb\nc\nPeriode/Jahr;Profitcenter;Kontengruppe;Betrag in Tsd.;Status\n001.2026;1000;Umsatzerl\xf6se;1,5-;\n")
	f.Add(plainMapping, "M,V\n2026-01,1\n2026-02,x\n")
	f.Add("month: {columns: true, format: '{Mon}-{YY}'}\nmetrics: {x: {metric: arr, scale: 0.001}}\nsum: true", "Jan-26,Feb-26\n1,2\n3,4\n")
	f.Add("a: &a [*a]", "")
	f.Fuzz(func(t *testing.T, mapping, text string) {
		m, err := ParseBusinessMapping([]byte(mapping))
		if err != nil {
			return
		}
		reader, err := newMappedReader(m, kpi.Calendar{}, "fuzz.csv", now)
		require.NoError(t, err)
		file := inMemory(t, "fuzz.csv", text)
		file.Reader = m.File.reader(file.Reader)
		var report Report
		if report.eachRecord(context.Background(), file, reader.columns(), reader.take) != nil {
			return
		}
		items := reader.items()
		require.NoError(t, reader.settle(&report, file, warehouse.WriteResult{}))
		assert.Equal(t, report.Read, report.Stored+report.Unchanged+report.Rejected)
		assert.Len(t, reader.written, len(items))
	})
}

func FuzzLocalNumber(f *testing.F) {
	for _, text := range []string{"1,234.5", "(1)", "1e15", "-1-", "１", "1.234.567,89-"} {
		f.Add(text, ".", ",")
		f.Add(text, ",", ".")
	}
	f.Fuzz(func(t *testing.T, text, decimal, thousands string) {
		format := numberFormat{Decimal: decimal, Thousands: thousands}
		if format.complete() != nil {
			return
		}
		value, err := format.parse(text)
		if err == nil && value != nil {
			assert.Less(t, len(value.Num().Text(10)), longestLocalNumber+largestExponent+2)
		}
	})
}

func FuzzMonthFormat(f *testing.F) {
	f.Add("{MM}.{YYYY}", "01.2026")
	f.Add("FY{FYY}-P{PP}", "FY26-P03")
	f.Add("{Mon}-{YY}", "Jan-26")
	f.Fuzz(func(t *testing.T, format, text string) {
		months, err := newMonthFormat(format, nil, false, kpi.Calendar{FiscalYearStartMonth: time.July})
		if err != nil {
			return
		}
		if month, err := months.parse(text); err == nil {
			assert.Equal(t, 1, month.Day())
		}
	})
}
