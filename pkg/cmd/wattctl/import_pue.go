package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// pueFlags are what a person may choose.
type pueFlags struct {
	url, region, since string
	token, authority   string
	follow, restate    bool
	every, timeout     time.Duration
}

func importPUECommand(c console) *cobra.Command {
	var flags pueFlags
	command := &cobra.Command{
		Use:   "pue [FILE | --url URL [--follow]]",
		Short: "Import a facility's readings, which become the PUE of each day",
		Long: "Imports readings of a facility's meters, from a gateway over HTTP or from a file of what it answers: the energy of\n" +
			"the facility and of its IT, or the PUE. Each day that is over becomes a PUE factor of the region, metered. Where\n" +
			"events depend on it, it waits in a factor version that gathers such days, for wattctl restate. With --follow the\n" +
			"gateway is asked again and again until it is stopped (SIGTERM or Ctrl-C). See docs/facility-pue.md.",
		Args: func(cmd *cobra.Command, arguments []string) error {
			if len(arguments) > 1 || (len(arguments) == 1) == (flags.url != "") {
				return fmt.Errorf("%s takes a file or --url, one of them", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, arguments []string) error {
			if err := flags.check(len(arguments) == 1); err != nil {
				return err
			}
			if len(arguments) == 1 {
				return c.importPUEFile(cmd, arguments[0], flags)
			}
			return c.importPUEFromGateway(cmd, flags)
		},
	}
	f := command.Flags()
	f.StringVar(&flags.url, "url", "", "address of the gateway, such as https://bms.example.com/wattscore/pue")
	f.StringVar(&flags.region, "region", "", "the region that the facility is in (default: as the readings say)")
	f.StringVar(&flags.since, "since", "", "from when readings are asked for while there are none, as 2026-01-31 (default: all)")
	f.StringVar(&flags.token, "token-file", "", "file of the bearer token that the gateway wants")
	f.StringVar(&flags.authority, "tls-ca", "", "certificate of the authority that signed the gateway's, in PEM (default: the system's)")
	f.BoolVar(&flags.follow, "follow", false, "ask again and again")
	f.DurationVar(&flags.every, "every", 5*time.Minute, "with --follow: how often the gateway is asked, 1s to 24h")
	f.DurationVar(&flags.timeout, "timeout", 30*time.Second, "how long the gateway has for an answer")
	f.BoolVar(&flags.restate, "restate", false, "put metered PUE in force at once, as wattctl restate does: the figures before stay readable as an earlier version")
	return command
}

func (flags pueFlags) check(isFile bool) error {
	switch {
	case isFile && (flags.follow || flags.token != "" || flags.authority != "" || flags.since != ""):
		return usage("--follow, --since, --token-file and --tls-ca go with --url, not with a file")
	case flags.every < time.Second || flags.every > 24*time.Hour:
		return usage("--every %s is not between 1s and 24h", flags.every)
	case flags.timeout < time.Millisecond || flags.timeout > time.Hour:
		return usage("--timeout %s is not between 1ms and 1h", flags.timeout)
	}
	if flags.since != "" {
		if _, err := time.Parse(time.DateOnly, flags.since); err != nil {
			return usage("--since %q is not a day: write it as 2026-01-31", flags.since)
		}
	}
	return nil
}

func (c console) importPUEFile(cmd *cobra.Command, path string, flags pueFlags) error {
	return c.importFile(cmd, path, func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
		store := warehouse.OpenStore(pool)
		report, err := ingest.FacilityFile(ctx, store, file, flags.region, time.Now())
		if err == nil {
			err = c.tellMetered(ctx, store, report, flags.restate)
		}
		return report.Report, err
	})
}

// tellMetered says what readings have made of days, and puts it in force where that was
// asked for.
func (c console) tellMetered(ctx context.Context, store *warehouse.Store, report ingest.FacilityReport, restate bool) error {
	if len(report.Metered) > 0 {
		c.tell("Metered PUE of %s: %s.", report.Region, strings.Join(daysShown(report.Metered, func(d warehouse.MeteredDay) string {
			return fmt.Sprintf("%s %s", d.Day.Format(time.DateOnly), plain(*d.PUE, 6))
		}), ", "))
	}
	if len(report.Short) > 0 && report.Stored > 0 {
		c.tell("Too few readings for a figure, which takes 75 %% of a day: %s.", strings.Join(daysShown(report.Short, func(d warehouse.MeteredDay) string {
			return fmt.Sprintf("%s has %.0f %%", d.Day.Format(time.DateOnly), 100*d.Covered)
		}), ", "))
	}
	version := report.Factors.Version
	switch {
	case len(report.Metered) == 0 || report.Factors.InForce || report.Factors.Stored == 0:
		return nil
	case !restate:
		c.tell("Events depend on these figures, so they wait in factor version %d and no answer has changed. To compute answers with them, run: wattctl restate --version %d", version, version)
		return nil
	case !report.StandsAlone:
		c.tell("They wait in factor version %d, which holds figures besides that nobody has put in force. Look at them, then run: wattctl restate --version %d", version, version)
		return nil
	}
	if err := store.PutFactorsInForce(ctx, version); err != nil {
		return err
	}
	c.tell("Factor version %d (%s) is in force.", version, warehouse.MeteredVersion)
	return nil
}

// daysShown bounds a list of days for a terminal: the newest.
func daysShown(days []warehouse.MeteredDay, show func(warehouse.MeteredDay) string) []string {
	const most = 8
	var shown []string
	if len(days) > most {
		shown = append(shown, fmt.Sprintf("%d days before", len(days)-most))
		days = days[len(days)-most:]
	}
	for _, day := range days {
		shown = append(shown, show(day))
	}
	return shown
}

// readBearerToken reads the token that a gateway wants.
func readBearerToken(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", usage("the token cannot be read: %v", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", usage("%s does not hold one token: it is one line of letters, digits and signs", path)
	}
	return token, nil
}

// warnOfPlainToken says when a token goes over the network as it is.
func (c console) warnOfPlainToken(address *url.URL, token string) {
	if token != "" && address.Scheme == "http" && !isLoopback(address.Host) && !isLoopback(address.Host+":80") {
		c.tell("The token goes to %s in the clear: use https.", address.Host)
	}
}

var errNoCertificate = errors.New("it holds no certificate in PEM")
