package warehouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ProblemKind sorts what can be wrong with a warehouse by who can put it right.
type ProblemKind string

// The kinds of problem.
const (
	ProblemUnreachable   ProblemKind = "unreachable"    // no server answers there
	ProblemTLS           ProblemKind = "tls"            // the connection cannot be secured
	ProblemPassword      ProblemKind = "password"       // the login is refused
	ProblemDatabase      ProblemKind = "database"       // the server has no such database
	ProblemSchemaMissing ProblemKind = "schema_missing" // no WattScore tables
	ProblemPrivilege     ProblemKind = "privilege"      // the role may not read
	ProblemTimeout       ProblemKind = "timeout"        // the statement took too long
	ProblemCancelled     ProblemKind = "cancelled"      // nobody waits for the answer any more
	ProblemBusy          ProblemKind = "busy"           // the server is short of connections, memory or disk
	ProblemPooler        ProblemKind = "pooler"         // a pooler between needs other settings
	ProblemOther         ProblemKind = "other"
)

// Problem is an error of the database in words a person can act on. It names
// neither statement nor password.
type Problem struct {
	Kind    ProblemKind
	Message string // what happened, and what to do next
	cause   error
}

func (p *Problem) Error() string { return p.Message }

// Unwrap returns the error that Explain was given.
func (p *Problem) Unwrap() error { return p.cause }

// Explain translates an error that came from the database, at the edge and only
// there. An error that is none of the database's comes back as it is, nil too.
func Explain(err error) error {
	var known *Problem
	if err == nil || errors.As(err, &known) {
		return err
	}
	kind, message := diagnose(err)
	if kind == "" {
		return err
	}
	return &Problem{Kind: kind, Message: message, cause: err}
}

func diagnose(err error) (ProblemKind, string) {
	var (
		pgErr      *pgconn.PgError
		connectErr *pgconn.ConnectError
		unknownCA  x509.UnknownAuthorityError
		wrongHost  x509.HostnameError
		invalid    x509.CertificateInvalidError
		notTLS     tls.RecordHeaderError
		verify     *tls.CertificateVerificationError
		dnsErr     *net.DNSError
		opErr      *net.OpError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return ProblemCancelled, "The query was cancelled before it was answered."
	case errors.As(err, &pgErr):
		return diagnoseServer(pgErr)
	case errors.As(err, &wrongHost):
		return ProblemTLS, "The server's certificate is made out to another name: " + wrongHost.Error() +
			". Use the name the certificate has, or TLS mode verify-ca."
	case errors.As(err, &unknownCA), errors.As(err, &invalid), errors.As(err, &verify):
		return ProblemTLS, "The server's certificate cannot be verified. Paste the certificate of the authority that signed it, or use TLS mode require."
	case errors.As(err, &notTLS), isTLSRefused(err):
		return ProblemTLS, "The server does not offer TLS. Turn it on there, or use TLS mode disable on a network you trust."
	case errors.As(err, &dnsErr):
		return ProblemUnreachable, fmt.Sprintf("No server has the name %q. Check the host.", dnsErr.Name)
	case errors.Is(err, context.DeadlineExceeded):
		if errors.As(err, &connectErr) {
			return ProblemUnreachable, "The database server did not answer in time. Check host, port and firewall."
		}
		return ProblemTimeout, "The query took longer than the time limit. Choose a shorter range, or raise the limit in the data source."
	case errors.As(err, &opErr), errors.As(err, &connectErr):
		return ProblemUnreachable, "The database server cannot be reached. Check host and port, and that the server runs and lets this machine in."
	}
	return "", ""
}

// diagnoseServer goes by SQLSTATE (PostgreSQL documentation, appendix A).
func diagnoseServer(err *pgconn.PgError) (ProblemKind, string) {
	switch err.Code {
	case "28P01":
		return ProblemPassword, "The server refuses this user and password. Enter the password again, or check the user's name."
	case "28000":
		return ProblemPassword, "The server does not let this user in from here: " + err.Message + ". Check the user's name and the server's pg_hba.conf."
	case "3D000":
		return ProblemDatabase, "The server has no such database: " + err.Message + ". Check the database's name."
	case "3F000", "42P01", "42703", "42883":
		return ProblemSchemaMissing, "The database does not have the tables of this version of WattScore. Run: wattctl db migrate"
	case "42501":
		return ProblemPrivilege, "The role may not read the warehouse: " + err.Message + ". Make it a member of wattscore_reader: wattctl db roles --reader NAME"
	case "57014":
		return ProblemTimeout, "The query took longer than the time limit. Choose a shorter range, or raise the limit in the data source."
	case "53300":
		return ProblemBusy, "The server has no connection left. Lower the connections of this data source, or raise max_connections."
	case "26000", "42P05":
		return ProblemPooler, "A connection pooler mixes up the prepared statements of its sessions. With PgBouncer use 1.21 or newer with max_prepared_statements, or pool_mode = session."
	case "08P01":
		if strings.Contains(err.Message, "startup parameter") {
			return ProblemPooler, "The connection pooler does not pass the plugin's settings on: " + err.Message +
				". List them in its ignore_startup_parameters and give them to the login; see docs/operating.md."
		}
	case "57P01", "57P02", "57P03":
		return ProblemUnreachable, "The database server is starting or stopping. Try again in a moment."
	}
	switch err.Code[:2] {
	case "53":
		return ProblemBusy, "The database server is short of memory or disk: " + err.Message + "."
	case "08":
		return ProblemUnreachable, "The connection to the database server broke. Try again."
	}
	return ProblemOther, fmt.Sprintf("The database refused the query: %s (SQLSTATE %s).", err.Message, err.Code)
}

// isTLSRefused recognises pgx's own error, which has no type.
func isTLSRefused(err error) bool {
	return strings.Contains(err.Error(), "server refused TLS connection")
}
