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
	leaveAgent  func()
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
	if err := instance.findGPUs(s); instance.settingsErr == nil {
		instance.settingsErr = err
	}
	instance.CallResourceHandler = httpadapter.New(instance.routes())
	return instance
}

// thisMachine reads the GPUs of the machine that the plugin runs on, for every data
// source and for as long as the plugin runs.
var thisMachine = sync.OnceValue(func() *gpu.Feed { return gpu.Local(context.Background()) })

// findGPUs chooses whose GPUs are live. The error is that the agent's address is none.
func (i *Instance) findGPUs(s settings) error {
	i.leaveAgent = func() {}
	i.localGPUs = query.LocalGPUs{Source: thisMachine(), Region: s.GPURegion}
	if s.GPUAgentURL == "" {
		return nil
	}
	ctx, leave := context.WithCancel(context.Background())
	agent, err := gpu.Remote(ctx, s.GPUAgentURL, gpu.RemoteOptions{})
	if err != nil {
		leave()
		return err
	}
	i.leaveAgent = func() {
		leave()
		<-agent.Done()
	}
	i.localGPUs.Source, i.localGPUs.Remote = agent, true
	return nil
}

// Dispose closes the connections.
func (i *Instance) Dispose() {
	i.leaveAgent()
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
