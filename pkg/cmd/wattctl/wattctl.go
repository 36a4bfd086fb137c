package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2 // wrong usage
	exitRejected = 3 // done, with rejected records
)

// console is where a command's answers and messages go. Answers go to out,
// everything else to err.
type console struct {
	out, err io.Writer
	getenv   func(string) string
}

// tell writes a message for the person.
func (c console) tell(format string, arguments ...any) {
	fmt.Fprintf(c.err, format+"\n", arguments...)
}

// answer writes a line of the command's answer.
func (c console) answer(format string, arguments ...any) {
	fmt.Fprintf(c.out, format+"\n", arguments...)
}

// usageError is a mistake in how a command was called.
type usageError struct{ cause error }

func (e *usageError) Error() string { return e.cause.Error() }
func (e *usageError) Unwrap() error { return e.cause }

func usage(format string, arguments ...any) error {
	return &usageError{fmt.Errorf(format, arguments...)}
}

// errRejected says that an import is done and some records were not stored.
var errRejected = errors.New("some records were rejected")

// run runs a command and returns its exit code.
func run(ctx context.Context, arguments []string, c console) int {
	began := false // the command itself, after its flags and arguments were read
	root := newRoot(c, &began)
	root.SetArgs(arguments)
	root.SetOut(c.out)
	root.SetErr(c.err)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errRejected) {
		return exitRejected
	}
	var wrongUsage *usageError
	var wrongOption *ingest.OptionError
	if !began || errors.As(err, &wrongUsage) || errors.As(err, &wrongOption) {
		c.tell("wattctl: %s\nRun '%s --help' for what it takes.", err, command.CommandPath())
		return exitUsage
	}
	c.tell("wattctl: %s", explain(ctx, err))
	return exitFailed
}

func newRoot(c console, began *bool) *cobra.Command {
	root := group("wattctl", "Bring AI energy data into WattScore's warehouse, and ask it")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentFlags().String(dsnFlag, "", "the warehouse's database, as postgres://user@host:5432/database (default: "+dsnVariable+" of the environment)")
	root.AddCommand(dbCommand(c), importCommand(c), restateCommand(c), rollupCommand(c), queryCommand(c), exportCommand(c), reportCommand(c), explainCommand(c), collectCommand(c), serveCommand(c), demoDataCommand(c))
	noteWhenBegun(root, began)
	return root
}

// noteWhenBegun tells a mistake in the call from one of the command's own.
func noteWhenBegun(command *cobra.Command, began *bool) {
	if work := command.RunE; work != nil {
		command.RunE = func(cmd *cobra.Command, arguments []string) error {
			*began = true
			return work(cmd, arguments)
		}
	}
	for _, sub := range command.Commands() {
		noteWhenBegun(sub, began)
	}
}

// group makes a command that only has commands of its own: called without one of
// them it is called wrongly.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs, SuggestionsMinimumDistance: 2}
	command.RunE = func(cmd *cobra.Command, arguments []string) error {
		var names []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		choice := strings.Join(names, ", ")
		if len(arguments) == 0 {
			return usage("%s needs one of: %s", cmd.CommandPath(), choice)
		}
		if near := cmd.SuggestionsFor(arguments[0]); len(near) > 0 {
			return usage("%s has no command %q; did you mean %s? It has: %s", cmd.CommandPath(), arguments[0], strings.Join(near, " or "), choice)
		}
		return usage("%s has no command %q; it has: %s", cmd.CommandPath(), arguments[0], choice)
	}
	command.AddCommand(commands...)
	return command
}

// explain translates an error once, into words a person can act on.
func explain(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "interrupted; what was stored stays, and the same command finishes the rest"
	}
	var asked *prometheus.Problem
	if errors.As(err, &asked) {
		return asked.Error()
	}
	var problem *warehouse.Problem
	if !errors.As(warehouse.Explain(err), &problem) {
		return err.Error()
	}
	if problem.Kind == warehouse.ProblemPrivilege {
		return "the login may not do that: " + problem.Unwrap().Error() +
			". Importing takes a member of wattscore_writer (wattctl db roles --writer NAME); db commands take the login that migrated."
	}
	return problem.Message
}
