package gpu

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// agent serves a feed that the test publishes on, until the test ends.
func agent(t *testing.T) (*Feed, *httptest.Server) {
	t.Helper()
	feed := newFeed("node7", midnight)
	server := httptest.NewServer(Handler(feed))
	t.Cleanup(func() {
		server.CloseClientConnections() // streams never end by themselves
		server.Close()
	})
	return feed, server
}

func follow(t *testing.T, address string) *Feed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	feed, err := Remote(ctx, address, RemoteOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		cancel()
		<-feed.Done()
	})
	return feed
}

func reading(energy, counter int64) Snapshot {
	return Snapshot{Host: "node7", Time: midnight.Add(time.Duration(counter)), Since: midnight, Devices: []Reading{{Identity: Identity{UUID: "GPU-0"}, EnergyMillijoules: &energy, EnergyCounterMillijoules: &counter}}}
}

func energyIs(want int64) func(Snapshot) bool {
	return func(s Snapshot) bool {
		return s.Problem == "" && len(s.Devices) == 1 && *s.Devices[0].EnergyMillijoules == want
	}
}

func TestAnAgentIsFollowed(t *testing.T) {
	source, server := agent(t)
	feed := follow(t, strings.TrimPrefix(server.URL, "http://"))
	source.publish(reading(0, 1000))
	await(t, feed, "the first", energyIs(0))
	source.publish(reading(300, 1300))
	assert.Equal(t, source.Snapshot(), await(t, feed, "the next", energyIs(300)), "it comes as it was")
}

func TestAConnectionThatBreaksIsMadeAgain(t *testing.T) {
	source, server := agent(t)
	feed := follow(t, server.URL)
	source.publish(reading(500, 1500))
	await(t, feed, "readings", energyIs(500))
	server.CloseClientConnections()
	assert.Contains(t, await(t, feed, "the break", hasProblem).Problem, "connecting again")
	source.publish(reading(700, 1700))
	await(t, feed, "readings again", energyIs(700))

	restarted := reading(0, 1900)
	restarted.Since = midnight.Add(time.Hour)
	source.publish(restarted)
	await(t, feed, "energy that goes on", energyIs(900))
}

func TestAnAgentThatIsNone(t *testing.T) {
	tests := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"another server":  {http.NotFound, "answered 404 Not Found: is it WattScore's GPU agent"},
		"another answer":  {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<html>") }, "a line is no snapshot"},
		"an empty object": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "{}") }, "it has no time"},
		"an end":          {func(http.ResponseWriter, *http.Request) {}, "it closed the connection"},
		"an endless line": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", longestLine+1)) }, "token too long"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			got := await(t, follow(t, server.URL), "the problem", hasProblem)
			assert.Contains(t, got.Problem, test.want)
			assert.Equal(t, "127.0.0.1", got.Host)
		})
	}
	t.Run("nobody", func(t *testing.T) {
		server := httptest.NewServer(http.NotFoundHandler())
		server.Close()
		assert.Contains(t, await(t, follow(t, server.URL), "the problem", hasProblem).Problem, "is it running, and is it let through?")
	})
}

func TestAddressesOfAgents(t *testing.T) {
	for address, want := range map[string]string{
		"gpu-node-7:9402":         "http://gpu-node-7:9402",
		" https://gpu/agents/7 ":  "https://gpu/agents/7",
		"":                        "",
		"ftp://gpu-node-7":        "",
		"http://":                 "",
		"http://gpu-node-7:port/": "",
	} {
		t.Run(address, func(t *testing.T) {
			got, err := agentURL(address)
			if want == "" {
				assert.ErrorContains(t, err, "write it as http://gpu-node-7:9402")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, got.String())
		})
	}
}

func TestTheNewestAlone(t *testing.T) {
	source, server := agent(t)
	source.publish(reading(5, 6))
	response, err := http.Get(server.URL + "/v1/snapshot")
	require.NoError(t, err)
	defer response.Body.Close() //nolint:errcheck // read only
	assert.Equal(t, "application/json", response.Header.Get("Content-Type"))
	var got Snapshot
	require.NoError(t, json.NewDecoder(response.Body).Decode(&got))
	assert.Equal(t, source.Snapshot(), got)

	refused, err := http.Post(server.URL+"/v1/snapshot", "application/json", nil)
	require.NoError(t, err)
	defer refused.Body.Close() //nolint:errcheck // read only
	assert.Equal(t, http.StatusMethodNotAllowed, refused.StatusCode)
}

// pipes is a network without sockets, so that its silences can be long in a moment.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if connection, open := <-p; open {
		return connection, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p pipes) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		p <- there
		return here, nil
	}}}
}

func TestSilence(t *testing.T) {
	tests := map[string]struct {
		handler func(*Feed) http.Handler
		want    string
	}{
		"an agent with nothing new": {func(f *Feed) http.Handler { return Handler(f) }, ""},
		"an agent that is dead": {func(f *Feed) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(f.Snapshot())
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
			})
		}, "nothing was heard for 30s"},
		"an agent that never answers": {func(*Feed) http.Handler {
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		}, "nothing was heard for 30s"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source, network := newFeed("node7", time.Now()), make(pipes)
				source.publish(Snapshot{Host: "node7", Time: time.Now(), Since: time.Now()})
				server := &http.Server{Handler: test.handler(source)}
				served := make(chan error)
				go func() { served <- server.Serve(network) }()
				ctx, cancel := context.WithCancel(t.Context())
				client := network.client()
				feed, err := Remote(ctx, "node7", RemoteOptions{Client: client})
				require.NoError(t, err)

				after(silence + time.Second/2)

				if test.want == "" {
					assert.Empty(t, feed.Snapshot().Problem)
				} else {
					assert.Contains(t, feed.Snapshot().Problem, test.want)
				}
				cancel()
				<-feed.Done()
				client.CloseIdleConnections()
				require.NoError(t, server.Close())
				assert.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}
