package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// FacilityGateway asks a gateway for a facility's readings over HTTP, by the contract of
// docs/facility-pue.md. The zero value of a duration is its default.
type FacilityGateway struct {
	URL    *url.URL
	Token  string // bearer token, empty: none
	Client *http.Client
	// Tries is how often a request is made that fails for now; 0 is 5.
	Tries uint
	// FirstWait is the pause after the first failure; it doubles.
	FirstWait time.Duration

	// What the last complete answer of one page said of itself, and for which address.
	asked, tag, modified string
	region               string // that the readings were of
}

// NewFacilityGateway makes a gateway. Requests end after timeout, and stay on the host
// that they began on, so that the token does.
func NewFacilityGateway(address, token string, transport http.RoundTripper, timeout time.Duration) (*FacilityGateway, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, optionError("%q is not an address: write it as https://bms.example.com/wattscore/pue", shownAddress(at))
	}
	return &FacilityGateway{URL: at, Token: token, Client: &http.Client{Transport: transport, Timeout: timeout,
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > 5 || !sameHost(request.URL, via[0].URL) {
				return fmt.Errorf("it leads on to %s, another host: name that one if it is right", request.URL.Host)
			}
			return nil
		}}}, nil
}

// Address is where the gateway is, as it may be shown: without a password, and without
// what is asked, which may hold a key.
func (g *FacilityGateway) Address() string { return shownAddress(g.URL) }

func shownAddress(at *url.URL) string {
	if at == nil {
		return "…" // what cannot be read may hold a password anywhere
	}
	shown := url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}
	return shown.String()
}

// withoutAddress is an error without the address that net/http and net/url put before
// it, whole.
func withoutAddress(err error) error {
	var failure *url.Error
	for errors.As(err, &failure) {
		err = failure.Err
	}
	return err
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && a.Host == b.Host }

// mostPages bounds a gateway that leads on for ever.
const mostPages = 1000

// Import asks for the readings since a time, all of them where it is zero, and stores
// them page by page. An answer that is as the last one brings nothing.
func (g *FacilityGateway) Import(ctx context.Context, store *warehouse.Store, rejects *Rejects, region string, since, now time.Time) (FacilityReport, error) {
	report := FacilityReport{Region: region, chosen: region != ""}
	file := File{Name: g.URL.Host, Rejects: rejects}
	first := g.address(region, since)
	next := first
	seen := map[string]bool{}
	for pages := 0; next != nil; pages++ {
		if seen[next.String()] || pages == mostPages {
			return report, fmt.Errorf("%s: next leads on for ever, to %s", g.Address(), excerpt([]byte(shownAddress(next))))
		}
		seen[next.String()] = true
		answer, err := g.ask(ctx, next, next == first)
		if err != nil {
			return report, fmt.Errorf("%s: %w", g.Address(), err)
		}
		if answer.unchanged { // but a day may be over by now
			return report, report.take(ctx, store, file, facilityPage{Region: g.region}, now)
		}
		page, err := parseFacilityPage(answer.body)
		if err == nil {
			next, err = g.following(next, page.Next)
		}
		if err != nil {
			return report, fmt.Errorf("%s: %w", g.Address(), err)
		}
		if err := report.take(ctx, store, file, page, now); err != nil {
			return report, err
		}
		g.region = report.Region
		if pages == 0 && next == nil {
			g.asked, g.tag, g.modified = first.String(), answer.tag, answer.modified
		} else {
			g.asked = "" // the first page does not speak for the others
		}
	}
	return report, nil
}

func (g *FacilityGateway) address(region string, since time.Time) *url.URL {
	address := *g.URL
	query := address.Query()
	if region != "" {
		query.Set("region", region)
	}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339))
	}
	address.RawQuery = query.Encode()
	return &address
}

func (g *FacilityGateway) following(from *url.URL, next string) (*url.URL, error) {
	if next == "" {
		return nil, nil
	}
	to, err := from.Parse(next)
	if err != nil {
		return nil, fmt.Errorf("next is not an address: %w", withoutAddress(err))
	}
	if !sameHost(from, to) {
		return nil, fmt.Errorf("next leads on to %s, another host", excerpt([]byte(to.Host)))
	}
	return to, nil
}

type facilityAnswer struct {
	body          []byte
	tag, modified string
	unchanged     bool
}

// ask makes a request, again while it fails for now.
func (g *FacilityGateway) ask(ctx context.Context, at *url.URL, first bool) (facilityAnswer, error) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.Multiplier = max(g.FirstWait, 0), 2
	if g.FirstWait == 0 {
		pause.InitialInterval = time.Second
	}
	tries := g.Tries
	if tries == 0 {
		tries = 5
	}
	answer, err := backoff.Retry(ctx, func() (facilityAnswer, error) { return g.askOnce(ctx, at, first) },
		backoff.WithBackOff(pause), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	var later *backoff.RetryAfterError
	if errors.As(err, &later) {
		err = fmt.Errorf("it asks to come back in %s", later.Duration)
	}
	return answer, err
}

func (g *FacilityGateway) askOnce(ctx context.Context, at *url.URL, first bool) (facilityAnswer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return facilityAnswer{}, backoff.Permanent(withoutAddress(err))
	}
	request.Header.Set("Accept", "application/json")
	if g.Token != "" {
		request.Header.Set("Authorization", "Bearer "+g.Token)
	}
	if first && g.asked == at.String() {
		for name, value := range map[string]string{"If-None-Match": g.tag, "If-Modified-Since": g.modified} {
			if value != "" {
				request.Header.Set(name, value)
			}
		}
	}
	response, err := g.Client.Do(request)
	if err != nil {
		return facilityAnswer{}, withoutAddress(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read, or does not matter
	if response.StatusCode == http.StatusNotModified {
		return facilityAnswer{unchanged: true}, nil
	}
	if response.StatusCode != http.StatusOK {
		return facilityAnswer{}, refused(response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, mostPage+1))
	if err != nil {
		return facilityAnswer{}, fmt.Errorf("its answer broke off: %w", err)
	}
	if len(body) > mostPage {
		return facilityAnswer{}, backoff.Permanent(fmt.Errorf("its answer is longer than %d MiB: it must be cut into pages (next)", mostPage>>20))
	}
	return facilityAnswer{body: body, tag: response.Header.Get("ETag"), modified: response.Header.Get("Last-Modified")}, nil
}

// refused says what another answer than OK means, and whether to ask again.
func refused(response *http.Response) error {
	status := response.StatusCode
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		if seconds, err := strconv.Atoi(strings.TrimSpace(response.Header.Get("Retry-After"))); err == nil && seconds >= 0 && seconds <= 60 {
			return backoff.RetryAfter(seconds)
		}
		return fmt.Errorf("it answers %s", response.Status)
	case status >= 500:
		return fmt.Errorf("it answers %s", response.Status)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return backoff.Permanent(fmt.Errorf("it answers %s: check the token (--token-file)", response.Status))
	}
	return backoff.Permanent(fmt.Errorf("it answers %s: check the address", response.Status))
}
