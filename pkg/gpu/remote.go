package gpu

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// RemoteOptions say how an agent is reached. The zero value is usable.
type RemoteOptions struct {
	// Client makes the requests, with the certificates and credentials they need;
	// http.DefaultClient if nil. It must have no Timeout: the answer never ends.
	Client *http.Client
}

// Remote follows an agent on another machine until ctx ends: address is that of a
// [Handler], such as http://gpu-node-7:9402 or gpu-node-7:9402. It connects again
// when the connection is lost, and energy goes on from where it was.
func Remote(ctx context.Context, address string, options RemoteOptions) (*Feed, error) {
	base, err := agentURL(address)
	if err != nil {
		return nil, err
	}
	client := options.Client
	if client == nil {
		client = http.DefaultClient
	}
	r := &remote{client: client, base: base, feed: newFeed(base.Hostname(), time.Now()), energy: newContinuity()}
	go func() {
		defer close(r.feed.done)
		keepTrying(ctx, r.feed, r.follow)
	}()
	return r.feed, nil
}

func agentURL(address string) (*url.URL, error) {
	text := strings.TrimSpace(address)
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	base, err := url.Parse(text)
	if err != nil || base.Hostname() == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a GPU agent: write it as http://gpu-node-7:9402", address)
	}
	return base, nil
}

type remote struct {
	client *http.Client
	base   *url.URL
	feed   *Feed
	energy *continuity
}

// follow connects once and hands on what the agent says.
func (r *remote) follow(ctx context.Context, heard func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) }) // until it answers
	defer watchdog.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.JoinPath("v1/snapshots").String(), nil)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("reach the GPU agent: %w; is it running, and is it let through?", silentOr(ctx, err))
	}
	watchdog.Stop()
	defer response.Body.Close() //nolint:errcheck // read only
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s: is it WattScore's GPU agent, and are its credentials right?", r.base.Redacted(), response.Status)
	}
	err = listen(response.Body, silence, cancel, func(snapshot Snapshot) {
		heard()
		if snapshot.Host == "" {
			snapshot.Host = r.base.Hostname()
		}
		r.feed.publish(r.energy.join(snapshot))
	})
	if err == nil {
		err = errors.New("it closed the connection")
	}
	return fmt.Errorf("follow the GPU agent %s: %w; connecting again", r.base.Redacted(), silentOr(ctx, err))
}

// silentOr is the reason that the context was cancelled for, if it was silence.
func silentOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return cause
	}
	return err
}
