package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/child"
)

// The login that may change things. Everyone else looks as a viewer; the server
// listens on this machine alone.
const (
	AdminUser     = "admin"
	AdminPassword = "admin"
)

const (
	preferredPort = 3000
	startPatience = 3 * time.Minute
	stopPatience  = 4 * time.Second
)

// Options say what a Grafana is started with. Relative paths are from the
// working directory.
type Options struct {
	PluginID string
	// Plugin is the built plugin's folder, dist.
	Plugin string
	// Provisioning holds datasources and dashboards as Grafana reads them;
	// Dashboards the JSON files.
	Provisioning, Dashboards string
	// HomeDashboard is the file in Dashboards that Grafana opens with.
	HomeDashboard string
	// Directory keeps what people change, from run to run.
	Directory string
	// Port to listen on; 0 takes 3000, or a free one where that is taken.
	Port int
	// Environment is for the provisioning files, which read variables, and for
	// further settings (GF_…).
	Environment map[string]string
}

// Server is a running Grafana. It ends with this process at the latest.
type Server struct {
	// URL is where a browser finds it.
	URL     string
	process *child.Process
	logFile string
	stop    func()
}

// Start starts a Grafana and returns when it answers.
func Start(ctx context.Context, installation Installation, options Options) (*Server, error) {
	s, err := prepare(options)
	if err != nil {
		return nil, fmt.Errorf("prepare Grafana: %w", err)
	}
	server := &Server{
		URL:     "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		logFile: filepath.Join(s.paths.logs, "grafana.log"),
	}
	log, err := os.Create(server.logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	command := installation.command(s)
	command.Stdout, command.Stderr = log, log
	if server.process, err = child.Start(command); err != nil {
		return nil, err
	}
	server.stop = sync.OnceFunc(func() { server.process.Stop(stopPatience) })
	if err := server.awaitHealth(ctx); err != nil {
		server.Stop()
		return nil, fmt.Errorf("start %s: %w. Its log is %s and ends:\n%s", installation, err, server.logFile, server.logTail())
	}
	return server, nil
}

func prepare(options Options) (settings, error) {
	s := settings{
		pluginID: options.PluginID, homeDashboard: options.HomeDashboard,
		address: "127.0.0.1", port: options.Port, extra: options.Environment,
	}
	for into, path := range map[*string]string{
		&s.plugin: options.Plugin, &s.paths.provisioning: options.Provisioning, &s.paths.dashboards: options.Dashboards,
		&s.paths.plugins: filepath.Join(options.Directory, "plugins"),
		&s.paths.data:    filepath.Join(options.Directory, "data"),
		&s.paths.logs:    filepath.Join(options.Directory, "logs"),
	} {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return settings{}, err
		}
		*into = absolute
	}
	for _, directory := range []string{s.paths.plugins, s.paths.data, s.paths.logs} {
		if err := os.MkdirAll(directory, 0o755); err != nil {
			return settings{}, err
		}
	}
	if err := place(s.plugin, filepath.Join(s.paths.plugins, s.pluginID)); err != nil {
		return settings{}, err
	}
	if s.port == 0 {
		port, err := freePort()
		if err != nil {
			return settings{}, err
		}
		s.port = port
	}
	return s, nil
}

// place links the plugin's folder to where Grafana looks for it, or copies it
// where links are not allowed.
func place(plugin, at string) error {
	if err := os.RemoveAll(at); err != nil {
		return err
	}
	if os.Symlink(plugin, at) == nil {
		return nil
	}
	return os.CopyFS(at, os.DirFS(plugin))
}

func freePort() (int, error) {
	for _, address := range []string{"127.0.0.1:" + strconv.Itoa(preferredPort), "127.0.0.1:0"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		port := listener.Addr().(*net.TCPAddr).Port
		return port, listener.Close()
	}
	return 0, errors.New("this machine has no free port")
}

// Stop ends the server. It may be called again.
func (s *Server) Stop() { s.stop() }

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

func (s *Server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("no answer within %s", startPatience))
	defer cancel()
	for {
		var health struct {
			Database string `json:"database"`
		}
		if s.ask(ctx, "/api/health", &health) == nil && health.Database == "ok" {
			return nil
		}
		select {
		case <-s.process.Done():
			return errors.New("it ended")
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(askPause):
		}
	}
}

// askPause is how long a Grafana that is not ready is left alone.
const askPause = 200 * time.Millisecond

// provisioningPatience is how long a Grafana that answers may take to provision.
const provisioningPatience = 30 * time.Second

// CheckDataSource asks the data source what "Save & test" would, and returns what
// is wrong. A Grafana answers before it has provisioned its data sources; until then
// it says something of its own, without a status, and is asked again.
func (s *Server) CheckDataSource(ctx context.Context, uid string) error {
	until := time.Now().Add(provisioningPatience)
	for {
		var health struct{ Status, Message string }
		if err := s.ask(ctx, "/api/datasources/uid/"+url.PathEscape(uid)+"/health", &health); err != nil {
			return err
		}
		switch {
		case health.Status == "OK":
			return nil
		case health.Status != "" || time.Now().After(until):
			return errors.New(health.Message)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(askPause):
		}
	}
}

func (s *Server) ask(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(AdminUser, AdminPassword)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read only
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("Grafana answers %s to %s: %w", response.Status, path, err)
	}
	return nil
}

// logTail is the end of the server's log, for an error message.
func (s *Server) logTail() string {
	const lines = 20
	text, err := os.ReadFile(s.logFile)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
