package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Role is a group role of the warehouse; a login is a member of one.
type Role string

// The roles, from the least to the most they may do.
const (
	RoleReader Role = "wattscore_reader" // answers dashboards, can change nothing
	RoleScoped Role = "wattscore_scoped" // as the reader, of some business units only
	RoleWriter Role = "wattscore_writer" // imports
	RoleOwner  Role = "wattscore_owner"  // migrates
)

// Login is a login of the server that is a member of one of the roles.
type Login struct {
	Name  string
	Roles []string
	Scope []string // the business units it is limited to; empty: it is not
}

//go:embed statements/logins.sql
var loginsSQL string

//go:embed statements/login_statements.sql
var loginStatementsSQL string

//go:embed statements/scope_escapes.sql
var scopeEscapesSQL string

// Logins lists the logins that are members of the roles, by name. A superuser
// who is none is not listed, though nothing holds one back.
func (s *Store) Logins(ctx context.Context) ([]Login, error) {
	rows, err := s.pool.Query(ctx, loginsSQL)
	if err != nil {
		return nil, fmt.Errorf("listing the logins: %w", err)
	}
	logins, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Login])
	if err != nil {
		return nil, fmt.Errorf("listing the logins: %w", err)
	}
	return logins, nil
}

// LoginExists reports whether the server has a role of this name.
func (s *Store) LoginExists(ctx context.Context, name string) (bool, error) {
	var exists bool
	err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists)
	if err != nil {
		return false, fmt.Errorf("looking for the login %s: %w", name, err)
	}
	return exists, nil
}

// ErrScopeTooOld is that the server cannot keep a scope.
var ErrScopeTooOld = errors.New("a login can be limited to business units on PostgreSQL 15 and newer: before it, views show everything")

// PutLogin makes name a login that is a member of role, reader, scoped or writer, and
// of no other of them. A scoped one is limited to the units, as they stand in the
// projects; kpi.Idle and kpi.Unallocated are named like units. A login that exists keeps its password when the given one
// is empty. The login that calls needs CREATEROLE and to be a member of the
// roles with ADMIN OPTION, as the one that migrated first is.
func (s *Store) PutLogin(ctx context.Context, name string, role Role, password string, units ...string) (created bool, err error) {
	if role != RoleReader && role != RoleScoped && role != RoleWriter {
		return false, fmt.Errorf("a login cannot be made a member of %s: the owner is who migrates", role)
	}
	if (role == RoleScoped) != (len(units) > 0) {
		return false, errors.New("a login is limited to at least one business unit, or is no member of " + string(RoleScoped))
	}
	if slices.Contains([]Role{RoleReader, RoleScoped, RoleWriter, RoleOwner}, Role(name)) || strings.HasPrefix(name, "pg_") || name == "" {
		return false, fmt.Errorf("%q cannot be a login: choose a name of its own", name)
	}
	const longestIdentifier = 63
	if err := checkText(name); err != nil {
		return false, err
	}
	if len(name) > longestIdentifier {
		return false, fmt.Errorf("the name %q is longer than the %d bytes that PostgreSQL keeps", name, longestIdentifier)
	}
	var verifier *string
	if password != "" {
		v, err := scramVerifier(password)
		if err != nil {
			return false, err
		}
		verifier = &v
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&created)
		if err != nil {
			return err
		}
		if role == RoleScoped {
			var kept bool
			if err := tx.QueryRow(ctx, "SELECT wattscore.read_views_as_who_asks()").Scan(&kept); err != nil {
				return err
			}
			if !kept {
				return ErrScopeTooOld
			}
			if err := checkUnits(ctx, tx, units); err != nil {
				return err
			}
		}
		// Statements on roles take no parameters: the server quotes the names itself.
		rows, err := tx.Query(ctx, loginStatementsSQL, pgx.NamedArgs{"name": name, "role": string(role), "verifier": verifier, "units": units})
		if err != nil {
			return err
		}
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		if role == RoleScoped {
			return checkEscapes(ctx, tx, name)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("making the login %s: %w", name, err)
	}
	return created, nil
}

// checkEscapes reports what would let a login see more than its business units, such as
// a group that reads everything. Nothing is taken from it that somebody else gave.
func checkEscapes(ctx context.Context, tx pgx.Tx, name string) error {
	rows, err := tx.Query(ctx, scopeEscapesSQL, pgx.NamedArgs{"name": name})
	if err != nil {
		return err
	}
	escapes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(escapes) > 0 {
		err = fmt.Errorf("it also has %s, through which it could see more than its business units: revoke that, or choose a login of its own",
			strings.Join(escapes, ", "))
	}
	return err
}

// checkUnits reports a business unit that no project has, as a typing error would be: a
// login limited to it would see nothing.
func checkUnits(ctx context.Context, tx pgx.Tx, units []string) error {
	var known []string
	err := tx.QueryRow(ctx, "SELECT coalesce(array_agg(DISTINCT business_unit), '{}') FROM wattscore.project WHERE business_unit IS NOT NULL").Scan(&known)
	if err != nil {
		return err
	}
	for _, unit := range units {
		if unit != kpi.Idle && unit != kpi.Unallocated && !slices.Contains(known, unit) {
			return fmt.Errorf("no project has the business unit %q; there are %q", unit, known)
		}
	}
	return nil
}
