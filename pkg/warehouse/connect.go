package warehouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TLSMode says how far the server's identity is checked, in libpq's words.
type TLSMode string

// The TLS modes. Anything under TLSVerifyFull leaves room for a man in the
// middle; TLSDisable also for an eavesdropper.
const (
	TLSDisable    TLSMode = "disable"
	TLSRequire    TLSMode = "require"     // encrypted, the server is not checked
	TLSVerifyCA   TLSMode = "verify-ca"   // its certificate is signed by the CA
	TLSVerifyFull TLSMode = "verify-full" // and made out to the host
)

// Connection says how a data source reaches its database. Nothing is taken from
// the environment.
type Connection struct {
	Host     string // name or address, with or without ":port"; the port is 5432 otherwise
	Database string
	User     string
	Password string

	TLSMode TLSMode
	// PEM texts. Without a CA the system's are trusted.
	CACertificate, ClientCertificate, ClientKey string

	MaxConnections   int           // 0: 8
	ConnectTimeout   time.Duration // 0: 5 s
	StatementTimeout time.Duration // 0: 30 s; the server ends what takes longer

	// Dial is nil, or reaches the host by another way, such as a SOCKS proxy.
	Dial pgconn.DialFunc
}

// jitOff saves more than it costs: a dashboard's statement runs for milliseconds,
// and compiling it takes hundreds of them.
const jitOff = "off"

// planOnce keeps the plan of a prepared statement: planning one anew takes longer
// than running it, and the roll-ups are read by the same keys whatever is asked.
const planOnce = "force_generic_plan"

// workMemory is what a sort or a hash of a statement may take before it goes to
// disk. A year of 5,000 combinations by the month fits.
const workMemory = "64MB"

const (
	defaultMaxConnections   = 8
	defaultConnectTimeout   = 5 * time.Second
	defaultStatementTimeout = 30 * time.Second
)

// OpenReadOnly returns a pool of connections that can only read. It connects
// when it is first used. The caller closes it.
func OpenReadOnly(ctx context.Context, connection Connection) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	if err := connection.apply(config.ConnConfig); err != nil {
		return nil, err
	}
	config.MaxConns = int32(orDefault(connection.MaxConnections, defaultMaxConnections))
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.PingTimeout = 2 * time.Second
	return pgxpool.NewWithConfig(ctx, config)
}

// OpenDSN returns a pool for a program that a person runs, from a connection
// string or URI as libpq takes it. The caller closes it.
func OpenDSN(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the connection string cannot be read: it looks like postgres://user@host:5432/database")
	}
	config.ConnConfig.RuntimeParams["application_name"] = "wattctl"
	config.ConnConfig.RuntimeParams["jit"] = jitOff
	return pgxpool.NewWithConfig(ctx, config)
}

// apply overwrites every field that libpq's environment variables may have set.
func (c Connection) apply(config *pgx.ConnConfig) error {
	host, port, err := splitHost(c.Host)
	if err != nil {
		return err
	}
	tlsConfig, err := c.tlsConfig(host)
	if err != nil {
		return err
	}
	config.Host, config.Port = host, port
	config.Database, config.User, config.Password = c.Database, c.User, c.Password
	config.TLSConfig = tlsConfig
	config.Fallbacks = nil // no second try without TLS
	config.ConnectTimeout = orDefault(c.ConnectTimeout, defaultConnectTimeout)
	timeout := orDefault(c.StatementTimeout, defaultStatementTimeout)
	config.RuntimeParams = map[string]string{
		"application_name":              "wattscore",
		"default_transaction_read_only": "on",
		// All statements of one batch read one snapshot.
		"default_transaction_isolation":       "repeatable read",
		"statement_timeout":                   strconv.FormatInt(timeout.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": "60000",
		"timezone":                            "UTC",
		"jit":                                 jitOff,
		"plan_cache_mode":                     planOnce,
		"work_mem":                            workMemory,
	}
	// A panel that is closed cancels its statement on the server and leaves the
	// connection usable.
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 3 * time.Second}
	}
	if c.Dial != nil {
		config.DialFunc = c.Dial
		config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	}
	return nil
}

func splitHost(hostPort string) (string, uint16, error) {
	if hostPort == "" {
		return "", 0, errors.New("no host is set: enter the database server's name, for example db.example.com:5432")
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil { // no port
		return hostPort, 5432, nil
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not a port: enter the host as name:port, for example db.example.com:5432", port)
	}
	return host, uint16(number), nil
}

func (c Connection) tlsConfig(host string) (*tls.Config, error) {
	if c.TLSMode == TLSDisable {
		return nil, nil
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CACertificate != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(c.CACertificate)) {
			return nil, errors.New("the CA certificate is not a PEM certificate: paste the whole text, from BEGIN to END CERTIFICATE")
		}
	}
	if c.ClientCertificate != "" || c.ClientKey != "" {
		certificate, err := tls.X509KeyPair([]byte(c.ClientCertificate), []byte(c.ClientKey))
		if err != nil {
			return nil, fmt.Errorf("the client certificate and key do not work together: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	switch c.TLSMode {
	case TLSRequire:
		config.InsecureSkipVerify = true // what the mode says: encryption without identity
	case TLSVerifyCA:
		// The chain is checked below, the name is not.
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(state tls.ConnectionState) error {
			intermediates := x509.NewCertPool()
			for _, certificate := range state.PeerCertificates[1:] {
				intermediates.AddCert(certificate)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: config.RootCAs, Intermediates: intermediates})
			return err
		}
	case TLSVerifyFull:
	default:
		return nil, fmt.Errorf("%q is not a TLS mode: choose disable, require, verify-ca or verify-full", c.TLSMode)
	}
	return config, nil
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}
