package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

// inForce is what an import left, in the integers of the table.
func inForce(t *testing.T, pool *pgxpool.Pool, columns string) []string {
	t.Helper()
	return lines(t, pool, "SELECT "+columns+" FROM wattscore.provider_figure WHERE superseded_by IS NULL ORDER BY month, model_version, cloud, service, region, charge, quantity, scope, value")
}

// lacking are the notes of an import of which some figures were stored and some records
// were rejected.
func lacking(stored, rejected int) []string {
	if stored == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d records were rejected, so the figures that were stored may lack them. "+
		"Correct the records and import the files again: the whole takes the place of what is there now.", rejected)}
}

func noFacts(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	assert.Empty(t, lines(t, pool, "SELECT event_id FROM wattscore.event"), "a provider's figure is no fact")
}

func TestCCF(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{5, 0} {
		file := testdata(t, "ccf.json")
		report, err := CCF(context.Background(), store, []File{file}, CCFOptions{ModelVersion: "6.1"}, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 10, Stored: stored, Unchanged: 5 - stored, Rejected: 5, Notes: lacking(stored, 5)}, report)
		assert.ElementsMatch(t, []string{
			"9: estimate 2 of result 2: co2e is missing",
			"10: estimate 3 of result 2: co2e -0.1 is negative",
			"11: estimate 4 of result 2: it names no cloudProvider or no serviceName",
			"11: estimate 5 of result 2: it is not an estimate: json: cannot unmarshal string into Go value of type ingest.ccfEstimate",
			`12: result 3, and so 1 estimates of Compute Engine in "us-central1": its period from 2026-04-27 to 2026-05-03 is not within a month: ` +
				"ask Cloud Carbon Footprint with groupBy=month or groupBy=day",
		}, rejected(t, file))
	}
	assert.Equal(t, []string{
		// 0.45 t = 450 kg = 4.5e11 µg; 1187.25 kWh = 1.18725e15 nWh.
		"(2026-03-01,aws,123456789012,AmazonEC2,us-east-1,carbon,450000000000)",
		"(2026-03-01,aws,123456789012,AmazonEC2,us-east-1,energy,1187250000000000)",
		"(2026-03-01,aws,123456789012,AmazonS3,us-east-1,carbon,829200)",
		"(2026-03-01,aws,123456789012,AmazonS3,us-east-1,energy,2187500000)",
		// 5.883161186358448e-05 t = 58,831,611.86 µg.
		"(2026-03-01,azure,73b1b9e2-0c4d-4d8f-9c55-1f1a3f2f7d11,\"Virtual Machines\",uksouth,carbon,58831612)",
		"(2026-03-01,azure,73b1b9e2-0c4d-4d8f-9c55-1f1a3f2f7d11,\"Virtual Machines\",uksouth,energy,261473830505)",
		"(2026-03-01,gcp,srch-prod,\"Compute Engine\",us-central1,carbon,520000000000)",
		"(2026-03-01,gcp,srch-prod,\"Compute Engine\",us-central1,energy,1090500000000000)",
		"(2026-04-01,gcp,srch-prod,\"Compute Engine\",us-central1,carbon,500000000000)",
		"(2026-04-01,gcp,srch-prod,\"Compute Engine\",us-central1,energy,1100000000000000)",
	}, inForce(t, pool, "month, cloud, account, service, region, quantity, value"))
	noFacts(t, pool)
}

func TestCCFByDayAddsUpToItsMonth(t *testing.T) {
	pool := warehousetest.Open(t)
	const estimate = `{"cloudProvider":"GCP","accountName":"a","serviceName":"s","kilowattHours":1,"co2e":0.001,"cost":1,"region":"us-central1"}`
	for _, text := range []string{
		// The shape of 2021, without a period.
		`[{"timestamp":"2026-03-30T00:00:00.000Z","serviceEstimates":[` + estimate + `]},{"timestamp":"2026-03-31T00:00:00.000Z","serviceEstimates":[` + estimate + "," + estimate + `]}]`,
		`[{"serviceEstimates":[` + estimate + `],"timestamp":"2026-03-29T00:00:00.000Z","periodStartDate":"2026-03-29T00:00:00.000Z","periodEndDate":"2026-03-29T23:59:59.000Z","groupBy":"day"}]`,
	} {
		_, err := CCF(context.Background(), warehouse.OpenStore(pool), []File{inMemory(t, "ccf.json", text)}, CCFOptions{}, now)
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"(2026-03-01,4000000000)"}, lines(t, pool, `SELECT month, sum(value) FROM wattscore.provider_figure
		WHERE superseded_by IS NULL AND quantity = 'carbon' GROUP BY 1`), "four kilograms in µg: other days do not take each other's place")
}

func TestCCFThatIsNoJSONSaysWhere(t *testing.T) {
	for text, says := range map[string]string{
		"":                                    "cut off",
		"{}":                                  `must begin with "["`,
		"[\n1]":                               "result 1 must begin with",
		"[\n{\"serviceEstimates\":[{},\n\n{]": "not JSON from line 2",
		`[{"serviceEstimates":[{"co2e":1}`:    "cut off",
		`[{"serviceEstimates":{}}]`:           "serviceEstimates must begin with",
		`[{"x":"` + strings.Repeat("a", longestElement+1) + `"}]`: "longer than",
	} {
		_, err := CCF(context.Background(), nil, []File{inMemory(t, "ccf.json", text)}, CCFOptions{}, now)
		assert.ErrorContains(t, err, says, excerpt([]byte(text)))
	}
}

// manyEstimates repeats an estimate as often as asked.
type manyEstimates struct {
	left int
	rest string
}

func (e *manyEstimates) Read(p []byte) (int, error) {
	if e.rest == "" {
		if e.left == 0 {
			return 0, io.EOF
		}
		e.left--
		e.rest = `{"cloudProvider":"GCP","accountId":"a","serviceName":"s","region":"us-central1","kilowattHours":1,"co2e":0.001,"tags":{"x":"` + strings.Repeat("y", 400) + `"}},`
		if e.left == 0 {
			e.rest = strings.TrimSuffix(e.rest, ",") + `],"timestamp":"2026-03-01T00:00:00.000Z","groupBy":"month"}]`
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestCCFHoldsOneEstimateAtATime(t *testing.T) {
	const many = 200_000 // some 100 MB
	file := inMemory(t, "ccf.json", "")
	file.Reader = io.MultiReader(strings.NewReader(`[{"serviceEstimates":[`), &manyEstimates{left: many})
	var report Report
	figures := newProviderFigures(kpi.ProviderCCF, &report)
	reader := ccfReader{report: &report, figures: figures, file: file, now: now, stream: newJSONStream(file.Reader)}
	require.NoError(t, reader.read(context.Background()))
	assert.Equal(t, many, report.Read)
	assert.Len(t, figures.values, 2, "carbon and energy")
	for key, value := range figures.values {
		if key.Quantity == kpi.ProviderCarbon {
			assert.Equal(t, int64(many)*1_000_000_000, value)
		}
	}
	var memory runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&memory)
	assert.Less(t, memory.HeapAlloc, uint64(64<<20), "what was read is not kept")
}

func TestGoogleCarbon(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{8, 0} {
		nested, flat := testdata(t, "google-carbon.json"), testdata(t, "google-carbon.csv")
		report, err := GoogleCarbon(context.Background(), store, []File{nested, flat}, ProviderMapping{Projects: map[string]string{"srch-prod": "search"}}, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 15, Stored: stored, Unchanged: 8 - stored, Rejected: 7, Notes: lacking(stored, 7)}, report)
		assert.ElementsMatch(t, []string{
			"6: it is not a JSON object: unexpected EOF",
			`7: usage_month "2026-03-15" is not a month: BigQuery writes it as 2026-01-01`,
			"8: carbon_footprint_total_kgCO2e.location_based -1 is negative",
			"9: it states no total: carbon_footprint_total_kgCO2e has neither location_based nor market_based",
			"10: carbon_model_version is empty",
		}, rejected(t, nested))
		assert.ElementsMatch(t, []string{
			`5: carbon_footprint_total_kgCO2e.location_based "54 kg" is not a number`,
			"6: month 2099-01 is in the future: these are figures of what was",
		}, rejected(t, flat))
	}
	assert.Equal(t, []string{
		"(2026-03-01,13,search,us-central1,carbon,1,600000000)", "(2026-03-01,13,search,us-central1,carbon,3,49400000000)",
		"(2026-03-01,13,search,us-central1,carbon_location,2,450000000000)", "(2026-03-01,13,search,us-central1,carbon_location,total,500000000000)",
		"(2026-03-01,13,search,us-central1,carbon_market,2,140000000000)", "(2026-03-01,13,search,us-central1,carbon_market,total,190000000000)",
	}, lines(t, pool, "SELECT month, model_version, project, region, quantity, scope, value FROM wattscore.provider_figure WHERE model_version = '13' ORDER BY quantity, scope"),
		"an older model stands beside the newer")
	assert.Equal(t, []string{"(\"\",us,1500000000)", "(search,us-central1,54000000000)", "(search,us-central1,411000000000)"},
		lines(t, pool, "SELECT project, region, value FROM wattscore.provider_figure WHERE month = '2026-04-01' AND quantity = 'carbon_location' AND scope = 'total' ORDER BY value"))
	noFacts(t, pool)
}

func TestGoogleCarbonWithoutItsTotalsIsRefused(t *testing.T) {
	file := inMemory(t, "g.csv", "usage_month,billing_account_id,carbon_model_version\n2026-03-01,A,14\n")
	_, err := GoogleCarbon(context.Background(), nil, []File{file}, ProviderMapping{}, now)
	assert.ErrorContains(t, err, `the column "carbon_footprint_total_kgCO2e.location_based" (or "carbon_footprint_total_kgCO2e_location_based") is missing`)
}

func TestAWSCarbon(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	for _, stored := range []int{4, 0} {
		file := testdata(t, "aws-carbon.csv")
		report, err := AWSCarbon(context.Background(), store, []File{file}, ProviderMapping{Accounts: map[string]string{"210987654321": "search"}}, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 9, Stored: stored, Unchanged: 4 - stored, Rejected: 5, Notes: lacking(stored, 5)}, report)
		assert.ElementsMatch(t, []string{
			`6: total_lbm_emissions_unit is "kgCO2e", and the one unit known is MTCO2e, metric tons of CO2e`,
			"7: it states no emissions: total_lbm_emissions_value and total_mbm_emissions_value are empty",
			"8: its period from 2026-01-01 to 2026-03-31 is not within a month",
			"9: model_version is empty",
			`10: total_mbm_emissions_value "many" is not a number`,
		}, rejected(t, file))
	}
	assert.Equal(t, []string{
		// 0.41 t = 410 kg; both versions of the method are there.
		"(v2.0.0,us-east-1,\"\",carbon_location,410000000000)", "(v2.0.0,us-east-1,\"\",carbon_market,60000000000)",
		// 1.2345e-05 t = 12.345 g
		"(v3.0.0,us-east-1,search,carbon_location,12345000)", "(v3.0.0,us-east-1,search,carbon_market,4500000)",
		"(v3.0.0,us-east-1,\"\",carbon_location,500000000000)", "(v3.0.0,us-east-1,\"\",carbon_market,150000000000)",
		"(v3.0.0,global,\"\",carbon_location,10000000000)", "(v3.0.0,global,\"\",carbon_market,4000000000)",
	}, lines(t, pool, "SELECT model_version, region, project, quantity, value FROM wattscore.provider_figure WHERE scope = 'total' ORDER BY model_version, region DESC, project DESC, quantity"))
	noFacts(t, pool)
}

func TestFOCUS(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	mapping := ProviderMapping{ProjectTags: []string{"application", "project"}, UnitTags: []string{"cost-centre"}}
	for _, stored := range []int{9, 0} {
		file := testdata(t, "focus.csv")
		report, err := FOCUS(context.Background(), store, []File{file}, mapping, now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 14, Stored: stored, Unchanged: 9 - stored, Rejected: 5, Notes: lacking(stored, 5)}, report)
		reasons := rejected(t, file)
		require.Len(t, reasons, 5)
		assert.Contains(t, reasons[0], `11: BillingCurrency is "EUR": costs here are in USD, and no exchange rates are kept.`)
		assert.Equal(t, []string{
			`12: ChargeCategory "Gift" is not Usage, Purchase, Tax, Credit or Adjustment`,
			"13: EffectiveCost is empty",
			`14: Tags "project=search" is not a JSON object of tags`,
			`15: ChargePeriodStart "March" is not a time: write it as 2026-01-31T12:00:00Z`,
		}, reasons[1:])
	}
	assert.ElementsMatch(t, []string{
		"(2026-02-01,210987654321,\"Amazon Elastic Compute Cloud\",\"\",\"\",adjustment,f,-1500000000)", // of February, in March's bill
		"(2026-03-01,210987654321,\"Amazon Bedrock\",helpdesk,\"\",usage,f,19875000612)",                // and 6.123E-7 USD
		"(2026-03-01,123456789012,\"Amazon Elastic Compute Cloud\",\"\",\"\",tax,f,9250000000)",
		"(2026-03-01,123456789012,\"Amazon Elastic Compute Cloud\",\"\",\"\",credit,f,-5000000000)",
		"(2026-03-01,123456789012,\"Amazon Elastic Compute Cloud\",\"\",\"\",purchase,f,0)",
		"(2026-03-01,123456789012,\"Amazon Elastic Compute Cloud\",\"\",\"\",usage,t,12500000000)", // the commitment nobody used
		"(2026-03-01,210987654321,\"Amazon Elastic Compute Cloud\",search,\"\",usage,f,80250000000)",
		"(2026-03-01,210987654321,\"Amazon Simple Storage Service\",\"\",\"Search & Discovery\",usage,f,3000000000)",
	}, lines(t, pool, "SELECT month, account, service, project, business_unit, charge, idle, value FROM wattscore.provider_figure"))
	noFacts(t, pool)

	// The next bill corrects March; March's own bill stays.
	correction := "EffectiveCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ServiceName,SubAccountId,ProviderName,RegionId\n" +
		"-2,USD,2026-04-01T00:00:00Z,Adjustment,2026-03-01T00:00:00Z,Amazon Bedrock,210987654321,AWS,us-east-1\n"
	report, err := FOCUS(context.Background(), store, []File{inMemory(t, "april.csv", correction)}, mapping, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 1, Stored: 1}, report)
	assert.Equal(t, []string{"(113.625000612)"}, lines(t, pool, // 19.875000612 + 12.5 + 80.25 + 3 + 0 − 2
		"SELECT trim_scale(sum(value) / 1e9) FROM wattscore.provider_figure WHERE month = '2026-03-01' AND superseded_by IS NULL AND charge NOT IN ('tax', 'credit')"))
}

func TestAPartOfADeliverySaysThatTheRestIsMissing(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	const header = "EffectiveCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ServiceName,SubAccountId\n"
	one, two := header+"1,USD,2026-03-01T00:00:00Z,Usage,2026-03-04T00:00:00Z,A,acc\n", header+"2,USD,2026-03-01T00:00:00Z,Usage,2026-03-04T00:00:00Z,B,acc\n"
	both := func() []File { return []File{inMemory(t, "1.csv", one), inMemory(t, "2.csv", two)} }
	report, err := FOCUS(context.Background(), store, both(), ProviderMapping{}, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 2, Stored: 2}, report)
	report, err = FOCUS(context.Background(), store, both()[:1], ProviderMapping{}, now)
	require.NoError(t, err)
	assert.Equal(t, 1, report.Unchanged)
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], "1 figures of an earlier import")
	report, err = FOCUS(context.Background(), store, both(), ProviderMapping{}, now)
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 2, Stored: 1, Unchanged: 1}, report, "the whole delivery puts it right")
}

// March's bill is there whole: 3 USD of one account. It comes again with a record that
// cannot be read, together with April's bill and one of an account that is new.
func TestABillThatLacksARecordTakesThePlaceOfNothing(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	const header = "EffectiveCost,BillingCurrency,BillingPeriodStart,ChargeCategory,ChargePeriodStart,ServiceName,SubAccountId\n"
	march := func(cost, service string) string {
		return cost + ",USD,2026-03-01T00:00:00Z,Usage,2026-03-04T00:00:00Z," + service + ",acc\n"
	}
	const april, other = "5,USD,2026-04-01T00:00:00Z,Usage,2026-04-04T00:00:00Z,A,acc\n", "7,USD,2026-03-01T00:00:00Z,Usage,2026-03-04T00:00:00Z,A,other\n"
	load := func(records string) Report {
		t.Helper()
		report, err := FOCUS(context.Background(), store, []File{inMemory(t, "bill.csv", header+records)}, ProviderMapping{}, now)
		require.NoError(t, err)
		return report
	}
	costs := func() []string {
		t.Helper()
		return lines(t, pool, "SELECT account, month, sum(value) / 1000000000 FROM wattscore.provider_figure WHERE superseded_by IS NULL GROUP BY 1, 2 ORDER BY 1, 2")
	}
	require.Equal(t, Report{Read: 2, Stored: 2}, load(march("1", "A")+march("2", "B")))

	report := load(march("1", "A") + march("0.5", "B") + march("two", "B") + april + other)
	assert.Equal(t, 5, report.Read)
	assert.Equal(t, []int{2, 2, 1}, []int{report.Stored, report.Unchanged, report.Rejected})
	require.Len(t, report.Notes, 2)
	assert.Equal(t, lacking(2, 1)[0], report.Notes[0])
	assert.Equal(t, "1 records were rejected, so what an earlier import stated of the same accounts and times still counts: "+
		`1 figures that say otherwise were not stored, the first of account "acc" from 2026-03-01 to 2026-03-31, and 0 that these files do not repeat stay in force. `+
		"Correct the records and import the files again.", report.Notes[1])
	assert.Equal(t, []string{"(acc,2026-03-01,3.0000000000000000)", "(acc,2026-04-01,5.0000000000000000)", "(other,2026-03-01,7.0000000000000000)"}, costs(), "March is still whole")

	report = load(march("1", "A") + march("?", "B"))
	assert.Equal(t, []int{0, 1, 1}, []int{report.Stored, report.Unchanged, report.Rejected})
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], "1 that these files do not repeat stay in force")
	load("a line of another make\n" + march("1", "A"))
	assert.Equal(t, "(acc,2026-03-01,3.0000000000000000)", costs()[0], "nor does one whose line cannot be read")

	assert.Equal(t, Report{Read: 4, Stored: 1, Unchanged: 3}, load(march("1", "A")+march("0.5", "B")+april+other), "corrected, it is the whole again")
	assert.Equal(t, "(acc,2026-03-01,1.5000000000000000)", costs()[0])
}

func TestProviderMapping(t *testing.T) {
	mapping, err := ParseProviderMapping([]byte("project_tags: [app]\nunit_tags: [bu]\nprojects: {srch: search}\naccounts: {'42': helpdesk}\n"))
	require.NoError(t, err)
	for _, test := range []struct {
		tags            map[string]string
		theirs, account string
		want            string
	}{
		{map[string]string{"app": "srch"}, "", "42", "search"},
		{map[string]string{"app": "new"}, "srch", "42", "new"},
		{nil, "srch", "42", "search"}, {nil, "", "42", "helpdesk"}, {nil, "", "43", ""},
	} {
		assert.Equal(t, test.want, mapping.project(test.tags, test.theirs, test.account), "%+v", test)
	}
	_, err = ParseProviderMapping([]byte("project_tag: app\n"))
	assert.ErrorContains(t, err, "project_tag")
	empty, err := ParseProviderMapping(nil)
	require.NoError(t, err)
	assert.Zero(t, empty)
}

// fuzzProvider reads a text as a connector does, and checks that each record counts once.
func fuzzProvider(t *testing.T, text string, read func(*providerFigures, File) error) {
	var report Report
	figures := newProviderFigures(kpi.ProviderCCF, &report)
	file := File{Name: "fuzz", Reader: strings.NewReader(text), Rejects: NewRejects(os.DevNull, "")} // a disk would make it slow
	defer file.Rejects.Close()                                                                       //nolint:errcheck // nobody reads it
	if err := read(figures, file); err != nil {
		assert.NotEmpty(t, err.Error())
		var stopped *fatalError
		assert.False(t, errors.As(err, &stopped))
		return
	}
	taken := 0
	for _, count := range figures.records {
		taken += count
	}
	assert.Equal(t, report.Read, taken+report.Rejected, "every record is counted once")
	for key := range figures.values {
		assert.NoError(t, key.Check())
	}
}

func FuzzCCF(f *testing.F) {
	seed(f, "ccf.json")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzProvider(t, text, func(p *providerFigures, file File) error {
			reader := ccfReader{report: p.report, figures: p, file: file, now: now, stream: newJSONStream(file.Reader)}
			return reader.read(context.Background())
		})
	})
}

func FuzzGoogleCarbon(f *testing.F) {
	seed(f, "google-carbon.json", "google-carbon.csv")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzProvider(t, text, func(p *providerFigures, file File) error {
			return p.fromGoogle(context.Background(), file, ProviderMapping{}, now)
		})
	})
}

func FuzzAWSCarbon(f *testing.F) {
	seed(f, "aws-carbon.csv")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzProvider(t, text, func(p *providerFigures, file File) error {
			return p.fromRecords(context.Background(), []File{file}, awsCarbonColumns, func(rec record) ([]warehouse.ProviderFigure, error) {
				return parseAWSCarbon(rec, ProviderMapping{}, now)
			})
		})
	})
}

func FuzzFOCUS(f *testing.F) {
	seed(f, "focus.csv")
	f.Fuzz(func(t *testing.T, text string) {
		fuzzProvider(t, text, func(p *providerFigures, file File) error {
			return p.fromRecords(context.Background(), []File{file}, focusColumns, func(rec record) ([]warehouse.ProviderFigure, error) {
				charge, err := parseFOCUS(rec, ProviderMapping{ProjectTags: []string{"project"}, UnitTags: []string{"cost-centre"}}, now)
				return []warehouse.ProviderFigure{charge}, err
			})
		})
	})
}

func FuzzProviderMapping(f *testing.F) {
	f.Add("project_tags: [app]\nprojects: {a: b}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ParseProviderMapping([]byte(text)); err != nil {
			assert.NotEmpty(t, err.Error())
		}
	})
}
