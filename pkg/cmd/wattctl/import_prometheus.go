package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/common/config"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/prometheus"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// prometheusFlags are what a person may choose.
type prometheusFlags struct {
	url, from, to, mapping, region, listen string
	step, settle, every, timeout           time.Duration
	tries                                  int
	replace, follow                        bool
	httpConfig, tokenFile, user, passwords string
	authority, certificate, key            string
}

// rejectedSeries is where rejected series are set aside.
const rejectedSeries = "prometheus.rejects.csv"

func importPrometheusCommand(c console) *cobra.Command {
	var flags prometheusFlags
	command := &cobra.Command{
		Use:   "prometheus --url URL --from T [--to T] [--mapping FILE] | --url URL --follow",
		Short: "Import the energy of GPUs and hosts from a Prometheus, joined with the requests of the model servers",
		Long: "Reads what a Prometheus, or what speaks its query API, has scraped of the DCGM exporter, Kepler and CodeCarbon, and of\n" +
			"vLLM, Triton, TGI and SGLang, in whole windows of --step, and joins energy and requests by labels. A window is stored\n" +
			"when it is over and settled, as a whole and once; pulling it again changes nothing. With --follow it goes on from the\n" +
			"last window until it is stopped (SIGTERM or Ctrl-C). See docs/prometheus.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.importPrometheus(cmd, flags) },
	}
	f := command.Flags()
	f.StringVar(&flags.url, "url", "", "where the Prometheus is, as http://prometheus.example.com:9090: what stands before /api/v1 (required)")
	f.StringVar(&flags.from, "from", "", "the beginning, as 2026-01-31, 2026-01-31T12:00:00Z or now-30d")
	f.StringVar(&flags.to, "to", "now", "the end")
	f.StringVar(&flags.mapping, "mapping", "", "YAML file that says which labels are the project, model, endpoint and region, and what ties them (default: the usual ones)")
	f.StringVar(&flags.region, "region", "", "the region of what names none that the warehouse has, such as us-central1 or FRA")
	f.DurationVar(&flags.step, "step", prometheus.DefaultStep, "the length of a window, 1m to 1h; of one source always the same")
	f.DurationVar(&flags.settle, "settle", prometheus.DefaultSettle, "how long after its end a window is stored, for samples that come late")
	f.BoolVar(&flags.replace, "replace", false, "put new facts in the place of those of windows that are stored otherwise")
	f.BoolVar(&flags.follow, "follow", false, "go on until stopped, from the last window that is stored, else from --from, else from the last one that is over")
	f.DurationVar(&flags.every, "every", 5*time.Minute, "how often to look for windows that are over, with --follow")
	f.StringVar(&flags.listen, "listen", prometheus.DefaultListen, "address of /metrics and /healthz, with --follow; empty: none")
	f.DurationVar(&flags.timeout, "timeout", prometheus.DefaultTimeout, "how long one query may take")
	f.IntVar(&flags.tries, "tries", prometheus.DefaultTries, "how often a query is asked, with growing pauses, before it is given up")
	f.StringVar(&flags.tokenFile, "token-file", "", "file with the bearer token")
	f.StringVar(&flags.user, "user", "", "user of basic authentication, with --password-file")
	f.StringVar(&flags.passwords, "password-file", "", "file with the user's password")
	f.StringVar(&flags.authority, "tls-ca", "", "certificates of the authority that is trusted, in PEM (default: the system's)")
	f.StringVar(&flags.certificate, "tls-cert", "", "a certificate of our own, in PEM")
	f.StringVar(&flags.key, "tls-key", "", "that certificate's key, in PEM")
	f.StringVar(&flags.httpConfig, "http-config", "", "YAML file in Prometheus' own form (as promtool --http.config.file), for OAuth 2, proxies and headers such as X-Scope-OrgID")
	return command
}

func (c console) importPrometheus(cmd *cobra.Command, flags prometheusFlags) error {
	access, err := flags.access()
	if err != nil {
		return &usageError{err}
	}
	mapping, err := prometheus.ReadMapping(flags.mapping)
	if err != nil {
		return &usageError{err}
	}
	if flags.region != "" {
		mapping = mapping.WithRegion(flags.region)
	}
	client, err := prometheus.NewClient(access)
	if err != nil {
		return &usageError{fmt.Errorf("the Prometheus of --url: %w", err)}
	}
	path, err := cmd.Flags().GetString(rejectsFlag)
	if err != nil {
		return err
	}
	if path == "" {
		path = rejectedSeries
	}
	rejects := ingest.NewSeriesRejects(path)
	options := prometheus.Options{API: client, Mapping: mapping, Step: flags.step, Settle: flags.settle, Replace: flags.replace, Rejects: rejects, Now: time.Now}
	if _, err := prometheus.New(options); err != nil {
		return &usageError{err}
	}
	var pool *pgxpool.Pool
	if flags.follow {
		pool, err = c.pool(cmd) // which may be away for now
	} else {
		pool, err = c.open(cmd)
	}
	if err != nil {
		return err
	}
	defer pool.Close()
	store := warehouse.OpenStore(pool)
	options.Warehouse = store
	if flags.follow {
		return errors.Join(c.followPrometheus(cmd.Context(), pool, store, client, options, flags), rejects.Close())
	}
	return c.pullPrometheus(cmd.Context(), pool, client, options, flags)
}

// access is how the Prometheus is reached.
func (f prometheusFlags) access() (access prometheus.Access, err error) {
	access = prometheus.Access{URL: f.url, Timeout: f.timeout, Tries: f.tries, HTTP: config.DefaultHTTPClientConfig}
	switch {
	case f.url == "":
		return access, errors.New("--url is missing: name the Prometheus, for example --url http://prometheus.example.com:9090")
	case f.follow && (f.every < time.Second || f.every > 24*time.Hour):
		return access, fmt.Errorf("--every %s is not between 1s and 24h", f.every)
	case !f.follow && f.from == "":
		return access, errors.New("--from is missing: name the beginning, for example --from now-7d, or pass --follow")
	case f.follow && f.replace:
		return access, errors.New("--replace goes with --from and --to, and not with --follow")
	case f.timeout <= 0:
		return access, fmt.Errorf("--timeout %s is not more than 0", f.timeout)
	case f.tries < 1:
		return access, fmt.Errorf("--tries %d is not 1 or more", f.tries)
	case f.user != "" && f.passwords == "" || f.user == "" && f.passwords != "":
		return access, errors.New("--user and --password-file go together")
	case f.user != "" && f.tokenFile != "":
		return access, errors.New("--token-file and --user are two ways to authenticate: choose one")
	case (f.certificate == "") != (f.key == ""):
		return access, errors.New("--tls-cert and --tls-key go together")
	}
	if f.httpConfig != "" {
		read, _, err := config.LoadHTTPConfigFile(f.httpConfig)
		if err != nil {
			return access, fmt.Errorf("--http-config: %w", err)
		}
		access.HTTP = *read
	}
	for flag, path := range map[string]string{"--token-file": f.tokenFile, "--password-file": f.passwords, "--tls-ca": f.authority, "--tls-cert": f.certificate, "--tls-key": f.key} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return access, fmt.Errorf("%s: %w", flag, err)
		}
	}
	if f.tokenFile != "" {
		access.HTTP.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: f.tokenFile}
	}
	if f.user != "" {
		access.HTTP.BasicAuth = &config.BasicAuth{Username: f.user, PasswordFile: f.passwords}
	}
	if f.authority != "" {
		access.HTTP.TLSConfig.CAFile = f.authority
	}
	if f.certificate != "" {
		access.HTTP.TLSConfig.CertFile, access.HTTP.TLSConfig.KeyFile = f.certificate, f.key
	}
	return access, nil
}

// pullPrometheus pulls a range once.
func (c console) pullPrometheus(ctx context.Context, pool *pgxpool.Pool, client *prometheus.Client, options prometheus.Options, flags prometheusFlags) error {
	calendar, err := warehouse.NewReader(pool).Calendar(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	from, fromErr := parseTime(flags.from, calendar.Location, now)
	to, toErr := parseTime(flags.to, calendar.Location, now)
	if err := errors.Join(fromErr, toErr); err != nil {
		return &usageError{err}
	}
	if !from.Before(to) {
		return usage("--from %s is not before --to %s", flags.from, flags.to)
	}
	var shown *progressShown
	options.Progress = func(done int) { shown.set(int64(done)) }
	puller, err := prometheus.New(options)
	if err != nil {
		return &usageError{err}
	}
	windows, _ := puller.Windows(from, to)
	if len(windows) > 0 {
		c.tell("Reading %s: %s of %s, from %s.", client.Address(), prometheus.Count(len(windows), "window"), flags.step, windows[0].Format(time.RFC3339))
	}
	shown = c.showProgress("Windows", int64(len(windows)), false)
	report, err := puller.Pull(ctx, from, to)
	shown.end()
	if err = errors.Join(err, options.Rejects.Close()); err != nil {
		if report.Stored > 0 {
			c.tell("%d facts were stored before this went wrong, and stay. The same import finishes the rest.", report.Stored)
		}
		return err
	}
	return c.conclude(ctx, pool, report, []ingest.File{{Rejects: options.Rejects}})
}
