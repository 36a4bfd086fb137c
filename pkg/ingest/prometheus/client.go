package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Access is how a Prometheus is reached. Files are read anew whenever they change.
type Access struct {
	URL string
	// HTTP is Prometheus' own way to say it, as in its scrape configurations.
	HTTP config.HTTPClientConfig
	// Timeout is of one request; zero is DefaultTimeout.
	Timeout time.Duration
	// Tries is how often a request is made, with growing pauses, before it is given up;
	// zero is DefaultTries.
	Tries int
}

// DefaultTimeout is a little over Prometheus' own bound of a query.
const DefaultTimeout = 130 * time.Second

// DefaultTries are some ten seconds, in which a Prometheus is started anew.
const DefaultTries = 6

// Client asks a Prometheus, or what speaks its query API (Thanos, Mimir, VictoriaMetrics),
// and asks again where it is away for a moment.
type Client struct {
	api     v1.API
	address string // without credentials, for messages
	timeout time.Duration
	// firstWait and tries bound how long a request is repeated.
	firstWait time.Duration
	tries     uint
}

// mostBytes bounds an answer, and so the memory that one takes.
const mostBytes = 256 << 20

// NewClient makes a client. Its error says what is wrong with the access.
func NewClient(access Access) (*Client, error) {
	address, err := url.Parse(access.URL)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be read: write it as http://prometheus.example.com:9090")
	case address.Scheme != "http" && address.Scheme != "https" || address.Host == "":
		return nil, fmt.Errorf("%q is no URL of a Prometheus: write it as http://prometheus.example.com:9090", address.Redacted())
	}
	if err := access.HTTP.Validate(); err != nil {
		return nil, err
	}
	transport, err := config.NewRoundTripperFromConfig(access.HTTP, "wattctl")
	if err != nil {
		return nil, err
	}
	if address.User != nil {
		password, _ := address.User.Password()
		transport = config.NewBasicAuthRoundTripper(config.NewInlineSecret(address.User.Username()), config.NewInlineSecret(password), transport)
	}
	redacted := address.Redacted()
	address.User = nil
	client, err := api.NewClient(api.Config{Address: strings.TrimSuffix(address.String(), "/"), RoundTripper: bounded{transport}})
	if err != nil {
		return nil, err
	}
	c := &Client{api: v1.NewAPI(client), address: redacted, timeout: access.Timeout, firstWait: time.Second, tries: uint(access.Tries)}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.tries == 0 {
		c.tries = DefaultTries
	}
	return c, nil
}

// Address is where the client asks, without credentials.
func (c *Client) Address() string { return c.address }

// bounded refuses to read an answer that is too large for the memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	request.Header.Set("User-Agent", "wattctl")
	response, err := b.RoundTripper.RoundTrip(request)
	if err == nil {
		response.Body = &boundedBody{response.Body, mostBytes}
	}
	return response, err
}

type boundedBody struct {
	io.ReadCloser
	left int
}

var errTooLarge = fmt.Errorf("the answer is larger than %d MiB", mostBytes>>20)

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// Names are which of some metrics there are in a span.
func (c *Client) Names(ctx context.Context, metrics []metric, matchers string, from, to time.Time) ([]metric, v1.Warnings, error) {
	all := make([]string, len(metrics))
	for i, m := range metrics {
		all[i] = regexp.QuoteMeta(m.name)
	}
	selector := "{" + joinMatchers(fmt.Sprintf("__name__=~%q", strings.Join(all, "|")), matchers) + "}"
	found, warnings, err := repeat(ctx, c, func(ctx context.Context) (model.LabelValues, v1.Warnings, error) {
		return c.api.LabelValues(ctx, model.MetricNameLabel, []string{selector}, from, to)
	})
	if err != nil {
		return nil, warnings, c.explain("asking which metrics there are", err)
	}
	there := slices.DeleteFunc(slices.Clone(metrics), func(m metric) bool { return !slices.Contains(found, model.LabelValue(m.name)) })
	return there, warnings, nil
}

// Samples are the samples of a metric that are later than from and no later than to, as
// they were scraped.
func (c *Client) Samples(ctx context.Context, name, matchers string, from, to time.Time) (model.Matrix, v1.Warnings, error) {
	seconds := int(to.Sub(from).Seconds())
	query := fmt.Sprintf("{%s}[%ds]", joinMatchers(fmt.Sprintf("__name__=%q", name), matchers), seconds)
	value, warnings, err := repeat(ctx, c, func(ctx context.Context) (model.Value, v1.Warnings, error) { return c.api.Query(ctx, query, to) })
	if err != nil {
		return nil, warnings, c.explain(fmt.Sprintf("reading %s from %s to %s", name, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339)), err)
	}
	matrix, ok := value.(model.Matrix)
	if !ok {
		return nil, warnings, fmt.Errorf("%s answered a range of samples with %T", c.address, value)
	}
	return matrix, warnings, nil
}

func joinMatchers(first, further string) string {
	if further = strings.Trim(strings.TrimSpace(further), "{}, "); further != "" {
		return first + ", " + further
	}
	return first
}

// repeat asks until there is an answer, or an error that will not pass by itself.
func repeat[T any](ctx context.Context, c *Client, ask func(context.Context) (T, v1.Warnings, error)) (T, v1.Warnings, error) {
	type answer struct {
		value    T
		warnings v1.Warnings
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = c.firstWait
	got, err := backoff.Retry(ctx, func() (answer, error) {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		value, warnings, err := ask(ctx)
		if err != nil && !passes(err) {
			err = backoff.Permanent(err)
		}
		return answer{value, warnings}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(c.tries), backoff.WithMaxElapsedTime(0))
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		err = permanent.Unwrap()
	}
	return got.value, got.warnings, err
}
