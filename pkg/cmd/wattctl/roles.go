package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// passwordVariable holds the password of a login that is made; without it one is
// generated.
const passwordVariable = "WATTSCORE_ROLE_PASSWORD"

//go:embed roles.sql
var rolesSQL string

func newRolesCommand(db *database) *cobra.Command {
	var reader, writer string
	command := &cobra.Command{
		Use:   "roles",
		Short: "Show the logins of the warehouse, or make one",
		Long: "A reader answers dashboards and can change nothing; a writer brings data in. The password of a new login is\n" +
			"taken from " + passwordVariable + "; without it one is generated and shown once.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			pool, err := db.open(command.Context())
			if err != nil {
				return err
			}
			defer pool.Close()
			for group, login := range map[string]string{"wattscore_reader": reader, "wattscore_writer": writer} {
				if login == "" {
					continue
				}
				if err := makeLogin(command, pool, login, group); err != nil {
					return err
				}
			}
			if reader != "" || writer != "" {
				return nil
			}
			return listLogins(command, pool)
		},
	}
	command.Flags().StringVar(&reader, "reader", "", "make this login, or let it, read")
	command.Flags().StringVar(&writer, "writer", "", "make this login, or let it, write")
	return command
}

func makeLogin(command *cobra.Command, pool *pgxpool.Pool, login, group string) error {
	ctx := command.Context()
	password, generated := os.Getenv(passwordVariable), false
	var exists bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", login).Scan(&exists); err != nil {
		return err
	}
	if password == "" && !exists {
		password, generated = rand.Text(), true
	}
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := execFormat(ctx, tx, "SELECT format(CASE WHEN $3 THEN 'ALTER ROLE %1$I LOGIN' ELSE 'CREATE ROLE %1$I LOGIN' END, $1::text, $2::text)", login, group, exists); err != nil {
			return err
		}
		if password != "" {
			if err := execFormat(ctx, tx, "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", login, password); err != nil {
				return err
			}
		}
		return execFormat(ctx, tx, "SELECT format('GRANT %2$I TO %1$I', $1::text, $2::text)", login, group)
	})
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42501" {
		return fmt.Errorf("this login may not make others: %s. Use one with CREATEROLE, such as the one that ran wattctl db migrate", pgErr.Message)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(command.OutOrStdout(), "%s is a member of %s.\n", login, group)
	if generated {
		fmt.Fprintf(command.OutOrStdout(), "Its password, shown this once: %s\n", password)
	}
	return nil
}

// execFormat lets the server quote names and values into a statement that takes
// no parameters, and runs it.
func execFormat(ctx context.Context, tx pgx.Tx, format string, arguments ...any) error {
	var statement string
	if err := tx.QueryRow(ctx, format, arguments...).Scan(&statement); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, statement)
	return err
}

func listLogins(command *cobra.Command, pool *pgxpool.Pool) error {
	rows, err := pool.Query(command.Context(), rolesSQL)
	if err != nil {
		return err
	}
	type login struct{ Name, Role string }
	logins, err := pgx.CollectRows(rows, pgx.RowToStructByPos[login])
	if err != nil {
		return err
	}
	if len(logins) == 0 {
		fmt.Fprintln(command.OutOrStdout(), "There is no login yet. Make one for Grafana: wattctl db roles --reader grafana")
		return nil
	}
	writer := newTable(command.OutOrStdout())
	writer.AppendHeader(table.Row{"login", "role"})
	for _, l := range logins {
		writer.AppendRow(table.Row{l.Name, l.Role})
	}
	writer.Render()
	return nil
}
