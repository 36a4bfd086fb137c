package main

import (
	"crypto/rand"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const rolePasswordVariable = "WATTSCORE_ROLE_PASSWORD"

func dbRolesCommand(c console) *cobra.Command {
	var reader, writer string
	var units []string
	command := &cobra.Command{
		Use:   "roles [--reader NAME [--scope UNIT]… | --writer NAME]",
		Short: "List the logins of the warehouse, or make one",
		Long: "Lists the logins and their roles. With --reader or --writer it makes NAME a login that can only read, or that\n" +
			"can import. With --scope the reader sees these business units only, whatever it asks; __idle__ and __unallocated__\n" +
			"are named like units. The password is " + rolePasswordVariable + " of the environment; without it a new login gets a\n" +
			"generated one, printed once, and a login that exists keeps its own.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := c.open(cmd)
			if err != nil {
				return err
			}
			defer pool.Close()
			store := warehouse.OpenStore(pool)
			switch {
			case len(units) > 0 && reader == "":
				return usage("--scope limits a reader: name it with --reader")
			case len(units) > 0:
				return c.putLogin(cmd, store, reader, warehouse.RoleScoped, units...)
			case reader != "":
				return c.putLogin(cmd, store, reader, warehouse.RoleReader)
			case writer != "":
				return c.putLogin(cmd, store, writer, warehouse.RoleWriter)
			}
			return c.listLogins(cmd, store)
		},
	}
	command.Flags().StringVar(&reader, "reader", "", "make this a login that can only read, for Grafana")
	command.Flags().StringArrayVar(&units, "scope", nil, "a business unit that the reader is limited to; may be repeated")
	command.Flags().StringVar(&writer, "writer", "", "make this a login that can import")
	command.MarkFlagsMutuallyExclusive("reader", "writer")
	return command
}

func (c console) listLogins(cmd *cobra.Command, store *warehouse.Store) error {
	logins, err := store.Logins(cmd.Context())
	if err != nil {
		return err
	}
	if len(logins) == 0 {
		c.tell("There is no login yet. Make one for Grafana with: wattctl db roles --reader NAME")
	}
	table := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, login := range logins {
		fmt.Fprintf(table, "%s\t%s", login.Name, strings.Join(login.Roles, ", "))
		if len(login.Scope) > 0 {
			fmt.Fprintf(table, "\t%s", strings.Join(login.Scope, ", "))
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

func (c console) putLogin(cmd *cobra.Command, store *warehouse.Store, name string, role warehouse.Role, units ...string) error {
	given := c.getenv(rolePasswordVariable)
	password := given
	if password == "" {
		exists, err := store.LoginExists(cmd.Context(), name)
		if err != nil {
			return err
		}
		if !exists {
			password = rand.Text()
		}
	}
	created, err := store.PutLogin(cmd.Context(), name, role, password, units...)
	if err != nil {
		return err
	}
	verb := "is now"
	if created {
		verb = "was made and is"
	}
	c.answer("%s %s a member of %s.", name, verb, role)
	if len(units) > 0 {
		c.answer("It sees these business units only: %s.", strings.Join(units, ", "))
	}
	switch {
	case given != "":
		c.answer("Its password is that of %s.", rolePasswordVariable)
	case password != "":
		c.answer("Its password, which is shown this once: %s", password)
	default:
		c.answer("Its password stays.")
	}
	return nil
}
