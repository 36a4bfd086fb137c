package plugin

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"github.com/grafana/grafana-plugin-sdk-go/backend/resource/httpadapter"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/net/proxy"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/gpu"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/query"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// ID is the plugin's id in Grafana.
const ID = "wattscore-aienergy-datasource"

// Instance is one configured data source. Grafana makes a new one when the
// settings change and disposes of the old.
type Instance struct {
	backend.CallResourceHandler
	settings settings
	// settingsErr is what is wrong with the settings: every call answers it, so
	// that the person sees it where they look.
	settingsErr error
	pool        *pgxpool.Pool
	reader      *warehouse.Reader
	answers     *answers
	company     query.Company
	localGPUs   query.LocalGPUs
	agent       *gpu.Remote // nil: the GPUs are those of this machine
}

var (
	_ backend.QueryDataHandler      = (*Instance)(nil)
	_ backend.CheckHealthHandler    = (*Instance)(nil)
	_ backend.CallResourceHandler   = (*Instance)(nil)
	_ instancemgmt.InstanceDisposer = (*Instance)(nil)
)

// NewInstance makes an instance from a data source's settings. It connects to
// the database when it is first asked.
func NewInstance(ctx context.Context, instanceSettings backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	parsed, err := parseSettings(instanceSettings)
	if err != nil {
		return newInstance(parsed, nil, err), nil
	}
	connection := parsed.connection()
	if parsed.EnableSecureSocksProxy {
		if connection.Dial, err = socksDialer(ctx, instanceSettings); err != nil {
			return newInstance(parsed, nil, err), nil
		}
	}
	// The pool outlives the call that makes it.
	pool, err := warehouse.OpenReadOnly(context.WithoutCancel(ctx), connection)
	return newInstance(parsed, pool, err), nil
}

// NewInstanceOn makes an instance that answers from a pool of the caller's, who
// closes it after the instance is done with.
func NewInstanceOn(pool *pgxpool.Pool, company query.Company) *Instance {
	instance := newInstance(settings{}, pool, nil)
	instance.company = company
	return instance
}

func newInstance(s settings, pool *pgxpool.Pool, err error) *Instance {
	instance := &Instance{settings: s, settingsErr: err, pool: pool, company: s.company(), answers: newAnswers()}
	if pool != nil {
		instance.reader = warehouse.NewReader(pool)
	}
	instance.findGPUs(s)
	instance.CallResourceHandler = httpadapter.New(instance.routes())
	return instance
}

// thisMachine reads the GPUs of the machine that the plugin runs on, for every data
// source and for as long as the plugin runs.
var thisMachine = sync.OnceValue(gpu.Local)

func (i *Instance) findGPUs(s settings) {
	if s.GPUAgentURL == "" {
		i.localGPUs = query.LocalGPUs{Source: thisMachine(), Region: s.GPURegion}
		return
	}
	agent, err := gpu.Follow(s.GPUAgentURL)
	if err != nil {
		return // settingsErr says so
	}
	i.agent, i.localGPUs = agent, query.LocalGPUs{Source: agent, Region: s.GPURegion, Remote: true}
}

// Dispose closes the connections.
func (i *Instance) Dispose() {
	if i.agent != nil {
		_ = i.agent.Close() // it has no error to give
	}
	if i.pool != nil {
		i.pool.Close()
	}
}

func socksDialer(ctx context.Context, instanceSettings backend.DataSourceInstanceSettings) (func(context.Context, string, string) (net.Conn, error), error) {
	client, err := instanceSettings.ProxyClient(ctx)
	if err != nil {
		return nil, fmt.Errorf("the secure socks proxy: %w", err)
	}
	dialer, err := client.NewSecureSocksProxyContextDialer()
	if err != nil {
		return nil, fmt.Errorf("the secure socks proxy: %w", err)
	}
	contextDialer, ok := dialer.(proxy.ContextDialer)
	if !ok {
		return nil, fmt.Errorf("the secure socks proxy's dialer %T cannot be cancelled", dialer)
	}
	return contextDialer.DialContext, nil
}
