package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse/warehousetest"
)

func TestAFileOfAFacilitysReadings(t *testing.T) {
	pool := warehousetest.Open(t)
	store := warehouse.OpenStore(pool)
	const figures = `FROM wattscore.region_factor JOIN wattscore.region USING (region_id) WHERE code = 'FRA' AND quantity = 'pue'`
	before := lines(t, pool, "SELECT value, source "+figures)
	require.Len(t, before, 1)
	for _, stored := range []int{4, 0} {
		file := testdata(t, "facility.json")
		report, err := FacilityFile(context.Background(), store, file, "", now)
		require.NoError(t, err)
		assert.Equal(t, Report{Read: 11, Stored: stored, Unchanged: 4 - stored, Rejected: 7}, report.Report)
		assert.ElementsMatch(t, []string{
			"4: it lies over the reading from 2026-03-02T12:00:00Z to 2026-03-03T00:00:00Z",
			"5: facility_kwh is NaN, not a number",
			"6: the facility's energy 39 kWh is less than that of its IT, 40 kWh: the PUE would be below 1",
			"7: the PUE 0.97 is less than 1: a facility takes at least what its IT does",
			`8: time "2026-03-03 03:00" is not a time: write it as 2026-01-31T12:00:00Z or with an offset, +01:00`,
			"9: time 2099-03-03T03:00:00Z is in the future",
			"10: it has neither facility_kwh and it_kwh, nor pue",
		}, rejected(t, file))
		if stored > 0 {
			require.Len(t, report.Metered, 1)
			assert.InDelta(t, 1.2, *report.Metered[0].PUE, 0, "(720.5 + 479.5) / (600 + 400) kWh of 2 March, without the hour before")
		} else {
			assert.Empty(t, report.Metered)
		}
	}
	assert.Equal(t, []string{`(2026-03-02,1.2,"BMS Paris, hall 3","facility energy / IT energy of the day")`},
		lines(t, pool, "SELECT valid_from, pue, source, boundary FROM wattscore.facility_pue_reading"))
	assert.Equal(t, []string{`(2026-03-02,1.2,"Facility meter: BMS Paris, hall 3",metered)`},
		lines(t, pool, "SELECT valid_from, value, source, method "+figures+" AND valid_from = '2026-03-02'"))
	assert.Equal(t, before, lines(t, pool, "SELECT value, source "+figures+" AND valid_from = '2026-03-10' AND method = 'as before metering'"))
}

func TestAnswersThatAreNotOfTheContract(t *testing.T) {
	for body, want := range map[string]string{
		"":                        "the answer is empty: it must be a JSON object with version, region and readings",
		"<html>Login</html>":      `the answer is not JSON (invalid character '<' looking for beginning of value, at byte 1); it begins with "<html>Login</html>"`,
		"[]":                      "the answer is not of the contract: ",
		`{"readings": []}`:        "the answer has no version: it must be 1",
		`{"version": 2}`:          "the answer is of version 2 and this wattctl reads 1",
		`{"version": 1}`:          "the answer has no readings",
		`{"version": 1, "reading`: "the answer is not JSON (unexpected end of JSON input",
		`{"version": "1"}`:        "the answer is not of the contract: ",
	} {
		_, err := parseFacilityPage([]byte(body))
		assert.ErrorContains(t, err, want, body)
	}
	page, err := parseFacilityPage([]byte("\xef\xbb\xbf" + `{"version": 1, "region": "NaN \" Infinity", "readings": [NaN, -Infinity]}`))
	require.NoError(t, err)
	assert.Equal(t, `NaN " Infinity`, page.Region, "text stays as it is")
	for reading, want := range map[string]string{
		`7`:  "it is not a JSON object",
		`{}`: "it has neither from and to, nor time",
		`{"time": "2026-03-02T00:00:00Z", "from": "2026-03-02T00:00:00Z", "pue": 1.2}`:                             "it has time, of a moment, and from or to",
		`{"time": "2026-03-02T00:00:00Z", "facility_kwh": 1, "it_kwh": 1}`:                                         "it has energies of a moment",
		`{"from": "2026-03-02T00:00:00Z", "to": "2026-03-02T01:00:00Z", "facility_kwh": 1, "it_kwh": 1, "pue": 1}`: "it has energies and a PUE",
		`{"from": "2026-03-02T00:00:00Z", "to": "2026-03-02T01:00:00Z", "facility_kwh": 1e9, "it_kwh": 1}`:         "facility_kwh 1e+09 is more than 9000000",
		`{"from": "2026-03-02T00:00:00Z", "to": "2026-03-02T01:00:00Z", "facility_kwh": -1, "it_kwh": 1}`:          "facility_kwh -1 is negative",
		`{"time": "2026-03-02T00:00:00Z", "pue": {"value": 1.2}}`:                                                  "pue ",
	} {
		_, err := parseFacilityReading([]byte(reading), "BMS")
		assert.ErrorContains(t, err, want, reading)
	}
}

// gatewayServer answers what a test says, and remembers what it was asked.
type gatewayServer struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []*http.Request
	answer func(number int, w http.ResponseWriter, r *http.Request)
}

func serveGateway(t *testing.T, answer func(number int, w http.ResponseWriter, r *http.Request)) (*gatewayServer, *FacilityGateway) {
	t.Helper()
	s := &gatewayServer{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r)
		number := len(s.asked)
		s.mu.Unlock()
		s.answer(number, w, r)
	}))
	t.Cleanup(s.Close)
	gateway, err := NewFacilityGateway(s.URL+"/pue?site=7", "secret-token", http.DefaultTransport, 10*time.Second)
	require.NoError(t, err)
	gateway.FirstWait = time.Millisecond
	return s, gateway
}

func (s *gatewayServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// pageOf is an answer with a reading of each day of March.
func pageOf(next string, days ...int) string {
	var readings []string
	for _, day := range days {
		readings = append(readings, fmt.Sprintf(`{"from": "2026-03-%02dT00:00:00Z", "to": "2026-03-%02dT00:00:00Z", "facility_kwh": 12, "it_kwh": 10}`, day, day+1))
	}
	encoded, err := json.Marshal(next)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"version": 1, "region": "FRA", "source": "BMS", "readings": [%s], "next": %s}`, strings.Join(readings, ","), encoded)
}

func (g *FacilityGateway) importFor(t *testing.T, store *warehouse.Store, since time.Time) (FacilityReport, error) {
	t.Helper()
	rejects := NewRejects(filepath.Join(t.TempDir(), "rejects.csv"), "")
	t.Cleanup(func() { assert.NoError(t, rejects.Close()) })
	return g.Import(context.Background(), store, rejects, "", since, now)
}

func TestAGatewayIsAskedPageByPageAndNotTwiceForTheSame(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	pages, gateway := serveGateway(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			fmt.Fprint(w, pageOf("?cursor=2", 1, 2))
			return
		}
		fmt.Fprint(w, pageOf("", 3))
	})
	report, err := gateway.importFor(t, store, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 3, Stored: 3}, report.Report)
	assert.Len(t, report.Metered, 3)
	first := pages.asked[0]
	assert.Equal(t, []string{"7", "2026-03-01T00:00:00Z", "Bearer secret-token", "application/json"},
		[]string{first.URL.Query().Get("site"), first.URL.Query().Get("since"), first.Header.Get("Authorization"), first.Header.Get("Accept")})

	one, gateway := serveGateway(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"7"`)
		w.Header().Set("Last-Modified", "Mon, 02 Mar 2026 00:00:00 GMT")
		if r.Header.Get("If-None-Match") == `"7"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, pageOf("", 1, 2))
	})
	for _, want := range []Report{{Read: 2, Unchanged: 2}, {}} {
		report, err := gateway.importFor(t, store, time.Time{})
		require.NoError(t, err)
		assert.Equal(t, want, report.Report)
	}
	assert.Equal(t, 2, one.count())
}

func TestAGatewayThatFailsForNowIsAskedAgain(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	release := make(chan struct{})
	for name, test := range map[string]struct {
		answer func(number int, w http.ResponseWriter, r *http.Request)
		asked  int
		says   string
	}{
		"down for two answers": {func(number int, w http.ResponseWriter, _ *http.Request) {
			if number < 3 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, pageOf("", 1))
		}, 3, ""},
		"an answer that breaks off": {func(number int, w http.ResponseWriter, _ *http.Request) {
			text := pageOf("", 1)
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
			if number == 1 {
				text = text[:20]
			}
			fmt.Fprint(w, text)
		}, 2, ""},
		"too slow": {func(int, http.ResponseWriter, *http.Request) { <-release }, 2, "Client.Timeout exceeded"},
		"down":     {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 2, "it answers 502 Bad Gateway"},
		"refusing": {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, 1, "it answers 401 Unauthorized: check the token (--token-file)"},
		"missing":  {func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, 1, "it answers 404 Not Found: check the address"},
		"leading to another host": {func(_ int, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		}, 2, "it leads on to elsewhere.invalid, another host"},
		"next on another host": {func(_ int, w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, pageOf("https://elsewhere.invalid/", 1))
		}, 1, "next leads on to elsewhere.invalid, another host"},
		"next to itself": {func(_ int, w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, pageOf(r.URL.String(), 1)) }, 1, "next leads on for ever"},
		"a login page":   {func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, 1, "the answer is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			server, gateway := serveGateway(t, test.answer)
			gateway.Tries = 3
			if test.says != "" {
				gateway.Tries = 2
			}
			if name == "too slow" {
				gateway.Client.Timeout = 30 * time.Millisecond
				t.Cleanup(func() { close(release) })
			}
			_, err := gateway.importFor(t, store, time.Time{})
			if test.says == "" {
				require.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.says)
				assert.NotContains(t, err.Error(), "secret-token")
			}
			assert.Equal(t, test.asked, server.count())
		})
	}
	for _, address := range []string{"https://bms.example.com:x/pue?api_key=very-secret", "ftp://u:very-secret@bms.example.com/pue?api_key=very-secret"} {
		_, err := NewFacilityGateway(address, "", nil, time.Second)
		assert.ErrorContains(t, err, "is not an address")
		assert.NotContains(t, err.Error(), "very-secret")
	}
	_, err := NewFacilityGateway("bms.example.com", "", nil, time.Second)
	assert.ErrorContains(t, err, "is not an address")
}

// A gateway is followed through an outage of its own and one of the warehouse, and the
// same readings again change nothing.
func TestAGatewayIsFollowed(t *testing.T) {
	store := warehouse.OpenStore(warehousetest.Open(t))
	server, gateway := serveGateway(t, func(number int, w http.ResponseWriter, _ *http.Request) {
		switch {
		case number == 1:
			w.WriteHeader(http.StatusBadGateway)
		case number < 5:
			fmt.Fprint(w, strings.Replace(pageOf("", 1), `"readings": [`, `"readings": [{"time": "2026-03-04T00:00:00Z", "pue": 0.5},`, 1))
		default:
			fmt.Fprint(w, pageOf("", 1, 2))
		}
	})
	gateway.Tries = 1
	ctx, stop := context.WithCancel(context.Background())
	var said []string
	total, err := gateway.Follow(ctx, store, FacilityFollowing{
		Region: "FRA", Every: time.Millisecond, Now: func() time.Time { return now },
		Rejects: func() *Rejects { return NewRejects(filepath.Join(t.TempDir(), "rejects.csv"), "") },
		Tell:    func(format string, arguments ...any) { said = append(said, fmt.Sprintf(format, arguments...)) },
		Took: func(context.Context, FacilityReport) error {
			if server.count() == 7 {
				stop()
			}
			return nil
		},
	})
	require.NoError(t, err)
	assert.Equal(t, Report{Read: 3, Stored: 2, Rejected: 1}, total, "each reading once")
	require.Len(t, said, 2, "%q", said)
	assert.Contains(t, said[0], "it answers 502 Bad Gateway. It is asked again.")
	assert.Equal(t, "The readings come again.", said[1])
	assert.Equal(t, "FRA", server.asked[0].URL.Query().Get("region"))
	assert.Empty(t, server.asked[0].URL.Query().Get("since"))
	assert.Equal(t, "2026-02-27T00:00:00Z", server.asked[3].URL.Query().Get("since"), "three days before the last reading")
}

func FuzzFacilityPage(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join("testdata", "facility.json"))
	require.NoError(f, err)
	f.Add(string(sample))
	f.Add(`{"version": 1, "readings": [{"time": "2026-03-03T02:00:00Z", "pue": "1.2"}, null, [], NaN], "next": "\u0000"}`)
	f.Add(`{"version":1,"readings":["\"NaN`)
	f.Fuzz(func(t *testing.T, body string) {
		page, err := parseFacilityPage([]byte(body))
		if err != nil {
			return
		}
		for _, raw := range page.Readings {
			if reading, err := parseFacilityReading(raw, "BMS"); err == nil {
				assert.GreaterOrEqual(t, int64(reading.Facility), int64(0))
				assert.False(t, reading.PUE < 0)
			}
		}
	})
}

// A key may stand in the address, which the journal must not have.
func TestTheKeyInAGatewaysAddressIsNotShown(t *testing.T) {
	const address = "://u:very-secret@127.0.0.1:1/pue?api_key=very-secret#very-secret"
	for name, transport := range map[string]roundTrip{
		"away": func(*http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: "http" + address, Err: io.ErrUnexpectedEOF}
		},
		"leads on":        answering(pageOf("http://other.example.com/?api_key=very-secret", 1)),
		"no address":      answering(pageOf("http://%zz?api_key=very-secret", 1)),
		"not what it was": answering("{}"),
	} {
		gateway, err := NewFacilityGateway("http"+address, "", transport, time.Second)
		require.NoError(t, err)
		gateway.Tries = 1
		_, err = gateway.Import(context.Background(), nil, nil, "FRA", time.Time{}, now)
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), "http://127.0.0.1:1/pue: ", name)
		assert.NotContains(t, err.Error(), "very-secret", name)
		assert.Equal(t, "http://127.0.0.1:1/pue", gateway.Address())
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func answering(body string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}}, nil
	}
}
