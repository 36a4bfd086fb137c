// Package pluginprocess runs the plugin's executable as Grafana does, a process
// of its own that speaks gRPC, and asks it what Grafana would.
package pluginprocess

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/grpcplugin"
	"github.com/grafana/grafana-plugin-sdk-go/genproto/pluginv2"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
)

// Options say which executable to run and for which data source.
type Options struct {
	// Executable is the path of the plugin's binary for this platform.
	Executable string
	// Context is what Grafana says with every call: the plugin's id and the data
	// source's settings, secrets decrypted.
	Context backend.PluginContext
	// Log receives the process's log; nil drops it.
	Log io.Writer
}

// Process is a running plugin.
type Process struct {
	client      *plugin.Client
	context     backend.PluginContext
	data        grpcplugin.DataClient
	diagnostics grpcplugin.DiagnosticsClient
	resource    grpcplugin.ResourceClient
}

// Start runs the executable and shakes hands with it. The caller stops it.
func Start(options Options) (*Process, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  grpcplugin.ProtocolVersion,
			MagicCookieKey:   grpcplugin.MagicCookieKey,
			MagicCookieValue: grpcplugin.MagicCookieValue,
		},
		VersionedPlugins: map[int]plugin.PluginSet{grpcplugin.ProtocolVersion: {
			"data":        &grpcplugin.DataGRPCPlugin{},
			"diagnostics": &grpcplugin.DiagnosticsGRPCPlugin{},
			"resource":    &grpcplugin.ResourceGRPCPlugin{},
		}},
		Cmd:              exec.Command(options.Executable),
		SkipHostEnv:      true, // as Grafana does since 12.4
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.New(&hclog.LoggerOptions{Name: "plugin", Output: options.Log, Level: hclog.Info}),
	})
	process := &Process{client: client, context: options.Context}
	if err := process.connect(); err != nil {
		client.Kill()
		return nil, fmt.Errorf("start the plugin %s: %w", options.Executable, err)
	}
	return process, nil
}

func (p *Process) connect() error {
	connection, err := p.client.Client()
	if err != nil {
		return err
	}
	return errors.Join(
		dispense(connection, "data", &p.data),
		dispense(connection, "diagnostics", &p.diagnostics),
		dispense(connection, "resource", &p.resource),
	)
}

func dispense[T any](connection plugin.ClientProtocol, name string, into *T) error {
	service, err := connection.Dispense(name)
	if err != nil {
		return err
	}
	typed, ok := service.(T)
	if !ok {
		return fmt.Errorf("the service %s is a %T", name, service)
	}
	*into = typed
	return nil
}

// Stop asks the process to end and kills it if it does not.
func (p *Process) Stop() { p.client.Kill() }

// Exited tells whether the process has ended.
func (p *Process) Exited() bool { return p.client.Exited() }

// PID is the process's id, 0 when it has ended.
func (p *Process) PID() int {
	if running := p.client.ReattachConfig(); running != nil {
		return running.Pid
	}
	return 0
}

// QueryData asks what a panel would. An error of a single query is in its
// response, by the query's RefID.
func (p *Process) QueryData(ctx context.Context, queries ...backend.DataQuery) (backend.Responses, error) {
	request := backend.ToProto().QueryDataRequest(&backend.QueryDataRequest{PluginContext: p.context, Queries: queries})
	answer, err := p.data.QueryData(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("query the plugin: %w", err)
	}
	converted, err := backend.FromProto().QueryDataResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("read the plugin's answer: %w", err)
	}
	return converted.Responses, nil
}

// CheckHealth asks what "Save & test" would.
func (p *Process) CheckHealth(ctx context.Context) (*backend.CheckHealthResult, error) {
	answer, err := p.diagnostics.CheckHealth(ctx, &pluginv2.CheckHealthRequest{PluginContext: backend.ToProto().PluginContext(p.context)})
	if err != nil {
		return nil, fmt.Errorf("check the plugin's health: %w", err)
	}
	return backend.FromProto().CheckHealthResponse(answer), nil
}

// CallResource asks what an editor would. The request's PluginContext is filled
// in; a body that the plugin sends in parts comes whole.
func (p *Process) CallResource(ctx context.Context, request *backend.CallResourceRequest) (*backend.CallResourceResponse, error) {
	withContext := *request
	withContext.PluginContext = p.context
	stream, err := p.resource.CallResource(ctx, backend.ToProto().CallResourceRequest(&withContext))
	if err != nil {
		return nil, fmt.Errorf("call the plugin's resource %s: %w", request.Path, err)
	}
	var (
		whole *backend.CallResourceResponse
		body  bytes.Buffer
	)
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the plugin's resource %s: %w", request.Path, err)
		}
		if whole == nil {
			whole = backend.FromProto().CallResourceResponse(part)
		}
		body.Write(part.Body)
	}
	if whole == nil {
		return nil, fmt.Errorf("the plugin's resource %s sent nothing", request.Path)
	}
	whole.Body = body.Bytes()
	return whole, nil
}
