package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/tools/child"
)

// Options say how a server runs. The zero value is a throw-away server on a free
// port, as safe as PostgreSQL is by default.
type Options struct {
	// Directory keeps the databases from run to run. Empty is a temporary folder
	// that Stop removes.
	Directory string
	// Port to listen on; 0 takes a free one.
	Port int
	// Binaries is a folder that holds another PostgreSQL's bin, lib and share, such
	// as the system's; empty takes the one from npm.
	Binaries string
	// Volatile trades safety for speed: if the machine fails, the databases are lost.
	Volatile bool
	// Settings are further server settings by their names in postgresql.conf.
	Settings map[string]string
	// Log receives a line for each long step; nil drops them.
	Log io.Writer
}

// Server is a running PostgreSQL. It ends with this process at the latest.
type Server struct {
	place    place
	options  Options
	port     int
	password string
	process  *child.Process
	stop     func() error // shutDown, once
}

// superuser is the role that initdb makes.
const superuser = "postgres"

const (
	startPatience = time.Minute
	stopPatience  = 30 * time.Second
)

// Start installs the binaries if need be, makes the databases' folder if it is
// new, and returns when the server takes connections.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	installed := binaries(options.Binaries)
	if installed == "" {
		var err error
		if installed, err = install(ctx, options.Log); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(installed.program("postgres")); err != nil {
		return nil, fmt.Errorf("there is no PostgreSQL in %s: %w", options.Binaries, err)
	}
	p, err := choosePlace(ctx, installed, options.Directory)
	if err != nil {
		return nil, fmt.Errorf("a place for PostgreSQL's files: %w", err)
	}
	server := &Server{place: p, options: options}
	server.stop = sync.OnceValue(server.shutDown)
	if err := server.prepare(ctx, options); err != nil {
		return nil, errors.Join(err, p.leave())
	}
	if err := server.launch(ctx, options); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), p.leave())
	}
	return server, nil
}

// Directory is where the server's files are: the wanted folder, or another one
// where root wanted a folder that the server's user does not reach.
func (s *Server) Directory() string { return s.place.directory }

// Address is the server's host and port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// DSN is the URL of a database for the server's superuser. A new server has the
// database postgres.
func (s *Server) DSN(database string) string {
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword(superuser, s.password), Host: s.Address(),
		Path: "/" + database, RawQuery: "sslmode=disable"}
	return dsn.String()
}

// Done is closed when the server has ended, by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop ends the open sessions and the server. Every call after the first returns
// the same.
func (s *Server) Stop() error { return s.stop() }

// Kill ends the server as a crash would: sessions are cut off where they are and
// nothing more is written. Nobody else may use the Server meanwhile.
func (s *Server) Kill(ctx context.Context) error {
	err := s.run(ctx, "pg_ctl", "stop", "--pgdata", s.data(), "--mode", "immediate", "--silent")
	s.process.Stop(time.Second) // has ended, unless pg_ctl failed
	return err
}

// Restart starts a server that was killed again, on its port and its databases.
// Nobody else may use the Server meanwhile.
func (s *Server) Restart(ctx context.Context) error {
	options := s.options
	options.Port = s.port
	return s.launch(ctx, options)
}

func (s *Server) shutDown() error {
	var err error
	select {
	case <-s.process.Done():
	default:
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		err = s.run(ctx, "pg_ctl", "stop", "--pgdata", s.data(), "--mode", "fast", "--silent")
		s.process.Stop(time.Second) // has ended, unless pg_ctl failed
	}
	return errors.Join(err, s.place.leave())
}

func (s *Server) data() string         { return filepath.Join(s.place.directory, "data") }
func (s *Server) passwordFile() string { return filepath.Join(s.place.directory, "password") }
func (s *Server) logFile() string      { return filepath.Join(s.place.directory, "server.log") }

// prepare makes the databases' folder, or checks the one that is there.
func (s *Server) prepare(ctx context.Context, options Options) error {
	if _, err := os.Stat(s.data()); errors.Is(err, os.ErrNotExist) {
		return s.initialise(ctx, options)
	}
	password, err := os.ReadFile(s.passwordFile())
	if err != nil {
		return fmt.Errorf("the password of the databases in %s is lost, remove the folder to begin anew: %w", s.place.directory, err)
	}
	s.password = string(password)
	return s.clearLeftover()
}

func (s *Server) initialise(ctx context.Context, options Options) error {
	fmt.Fprintf(options.Log, "Making a PostgreSQL database cluster in %s\n", s.place.directory)
	s.password = rand.Text()
	if err := os.WriteFile(s.passwordFile(), []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := s.place.account.own(s.passwordFile()); err != nil { // initdb reads it
		return err
	}
	// Made beside its place and moved there whole, as initdb may be cut off.
	unfinished := s.data() + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	if err := s.place.account.own(unfinished); err != nil {
		return err
	}
	command := s.command(ctx, "initdb", "--pgdata", unfinished, "--username", superuser, "--pwfile", s.passwordFile(),
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-instructions")
	if options.Volatile {
		command.Args = append(command.Args, "--no-sync")
	}
	if err := run(command); err != nil {
		return fmt.Errorf("make a database cluster: %w", err)
	}
	return os.Rename(unfinished, s.data())
}

// clearLeftover removes the lock file of a server that was killed. PostgreSQL
// does so itself, unless another process has its id by now.
func (s *Server) clearLeftover() error {
	lock := filepath.Join(s.data(), "postmaster.pid")
	text, err := os.ReadFile(lock)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Lines: process id, data folder, start time, port.
	lines := strings.Split(string(text), "\n")
	if len(lines) > 3 {
		connection, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strings.TrimSpace(lines[3])), time.Second)
		if err == nil {
			_ = connection.Close()
			return fmt.Errorf("another PostgreSQL runs on %s (process %s, port %s), most likely of another demo: stop that one first",
				s.place.directory, lines[0], lines[3])
		}
	}
	return os.Remove(lock)
}

// launch starts the server, on a second and third port when a free one is taken
// by another process in between.
func (s *Server) launch(ctx context.Context, options Options) error {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		s.port = options.Port
		if s.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		err := s.attempt(ctx, options)
		if err == nil || options.Port != 0 || attempt == attempts || ctx.Err() != nil || !strings.Contains(s.logTail(), "could not bind") {
			return err
		}
	}
}

func (s *Server) attempt(ctx context.Context, options Options) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	// Stop ends the server, not the context of its start.
	command := s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	command.Args = append(command.Args, settings(options)...)
	command.Stdout, command.Stderr = log, log
	if s.process, err = child.Start(command); err != nil {
		return err
	}
	if err := s.awaitConnections(ctx); err != nil {
		s.process.Stop(stopPatience)
		return fmt.Errorf("%w:\n%s", err, s.logTail())
	}
	return nil
}

func settings(options Options) []string {
	values := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
	}
	if options.Volatile {
		values["fsync"], values["synchronous_commit"], values["full_page_writes"] = "off", "off", "off"
	}
	for name, value := range options.Settings {
		values[name] = value
	}
	var arguments []string
	for name, value := range values {
		arguments = append(arguments, "--"+name+"="+value)
	}
	slices.Sort(arguments)
	return arguments
}

func (s *Server) awaitConnections(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("no connection within %s", startPatience))
	defer cancel()
	ended, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	go func() {
		select {
		case <-s.process.Done():
			giveUp(errors.New("the server ended; its log says"))
		case <-ended.Done():
		}
	}()
	for {
		connection, err := pgx.Connect(ended, s.DSN("postgres"))
		if err == nil {
			return connection.Close(ctx)
		}
		select {
		case <-ended.Done():
			return context.Cause(ended)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// logTail is the end of the server's log, for an error message.
func (s *Server) logTail() string {
	const lines = 10
	text, err := os.ReadFile(s.logFile())
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (s *Server) run(ctx context.Context, program string, arguments ...string) error {
	return run(s.command(ctx, program, arguments...))
}

// command makes a command of one of the server's programs, as the server's user.
func (s *Server) command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.place.binaries.program(program), arguments...)
	command.Dir = s.place.directory
	// What the caller has set for libpq or the locale is not meant for this server.
	command.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "PG") || strings.HasPrefix(variable, "LC_") || strings.HasPrefix(variable, "LANG")
	}), "LC_ALL=C")
	s.place.account.assume(command)
	return command
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close() //nolint:errcheck // nothing was sent
	return listener.Addr().(*net.TCPAddr).Port, nil
}
