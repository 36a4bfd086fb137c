package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest/otlp"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

func serveCommand(c console) *cobra.Command {
	return group("serve", "Receive data until stopped", serveOTLPCommand(c))
}

// serveOTLPFlags are what a person may choose.
type serveOTLPFlags struct {
	grpc, http, listen       string
	mapping, region          string
	energy, gpu              string
	maxNumSeqs               int
	certificate, key, tokens string
	largestKiB, atOnce       int
}

func serveOTLPCommand(c console) *cobra.Command {
	var flags serveOTLPFlags
	command := &cobra.Command{
		Use:   "otlp",
		Short: "Receive OpenTelemetry traces and metrics of calls to models",
		Long: "Receives OpenTelemetry traces and metrics (OTLP over gRPC and HTTP) and counts the calls to models in them, by the\n" +
			"conventions for generative AI (gen_ai.*), until it is stopped (SIGTERM or Ctrl-C). Nothing is acknowledged before it\n" +
			"is stored, a call that is sent twice counts once, and neither prompts nor answers are stored. See docs/opentelemetry.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.serveOTLP(cmd, flags) },
	}
	f := command.Flags()
	f.StringVar(&flags.grpc, "grpc", otlp.DefaultGRPC, "address of OTLP/gRPC; empty: none")
	f.StringVar(&flags.http, "http", otlp.DefaultHTTP, "address of OTLP/HTTP; empty: none")
	f.StringVar(&flags.listen, "listen", otlp.DefaultListen, "address of /metrics and /healthz; empty: none")
	f.StringVar(&flags.mapping, "mapping", "", "YAML file that says which attributes are the project, model, endpoint and region (default: the usual ones)")
	f.StringVar(&flags.region, "region", "", "the region of calls that name none the warehouse has, such as us-central1 or FRA")
	f.StringVar(&flags.energy, "energy", "", "a file of the ML.ENERGY Leaderboard (public/data/tasks/*.json), for the energy of models by their tokens")
	f.StringVar(&flags.gpu, "gpu", "", "the GPU in that file, for example H100")
	f.IntVar(&flags.maxNumSeqs, "max-num-seqs", 0, "the configuration's most sequences at once, where there are several")
	f.StringVar(&flags.certificate, "tls-cert", "", "the certificate, in PEM (default: no TLS)")
	f.StringVar(&flags.key, "tls-key", "", "the certificate's key, in PEM")
	f.StringVar(&flags.tokens, "token-file", "", "file of the bearer tokens that senders may have, one a line (default: everybody may send)")
	f.IntVar(&flags.largestKiB, "max-body", otlp.DefaultLargest>>10, "bound of a request in KiB, unpacked")
	f.IntVar(&flags.atOnce, "at-once", otlp.DefaultAtOnce, "requests in memory at once; the next is told to try again")
	return command
}

func (c console) serveOTLP(cmd *cobra.Command, flags serveOTLPFlags) error {
	options, err := c.otlpOptions(flags)
	if err != nil {
		return &usageError{err}
	}
	pool, err := c.pool(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	ctx := cmd.Context()
	store := warehouse.OpenStore(pool)
	away, err := lookAtWarehouse(ctx, pool, store, options.Mapping.Region())
	if err != nil {
		return err
	}
	options.Warehouse = store
	server, err := otlp.New(options)
	if err != nil {
		return err
	}
	c.tell("Receiving: %s, %d rules, %s.", places(server), options.Mapping.Rules(), guards(options, flags))
	for _, address := range []string{flags.grpc, flags.http} {
		if address != "" && options.Tokens.Len() == 0 && !isLoopback(address) {
			c.tell("Whoever reaches %s can send: there is no --token-file.", address)
		}
	}
	if away != nil {
		c.tell("The warehouse is not there yet: %s. Senders are told to try again.", strings.TrimSuffix(warehouse.Explain(away).Error(), "."))
	}
	if err := server.Run(ctx); err != nil {
		return err
	}
	c.tell("Stopped. What was acknowledged is stored.")
	return nil
}

// otlpOptions reads the files that flags name.
func (c console) otlpOptions(flags serveOTLPFlags) (options otlp.Options, err error) {
	options = otlp.Options{GRPC: flags.grpc, HTTP: flags.http, Listen: flags.listen, Largest: flags.largestKiB << 10, AtOnce: flags.atOnce, Tell: c.tell}
	switch {
	case flags.grpc == "" && flags.http == "":
		return options, fmt.Errorf("--grpc and --http are both empty: give one an address")
	case flags.largestKiB < 64 || flags.largestKiB > 1<<20:
		return options, fmt.Errorf("--max-body %d is not between 64 and %d KiB", flags.largestKiB, 1<<20)
	case flags.atOnce < 1 || flags.atOnce > 4096:
		return options, fmt.Errorf("--at-once %d is not between 1 and 4096", flags.atOnce)
	case (flags.energy == "") != (flags.gpu == ""):
		return options, fmt.Errorf("--energy and --gpu go together: a file of measurements, and on which GPU they were made")
	case (flags.certificate == "") != (flags.key == ""):
		return options, fmt.Errorf("--tls-cert and --tls-key go together")
	}
	if options.Mapping, err = otlp.ReadMapping(flags.mapping); err != nil {
		return options, err
	}
	if flags.region != "" {
		options.Mapping = options.Mapping.WithRegion(flags.region)
	}
	if flags.energy != "" {
		measured, err := readEnergy(flags.energy)
		if err != nil {
			return options, err
		}
		if options.Benchmark, err = otlp.ChooseBenchmark(measured, flags.gpu, flags.maxNumSeqs); err != nil {
			return options, err
		}
	}
	if options.Tokens, err = otlp.ReadTokens(flags.tokens); err != nil {
		return options, err
	}
	options.TLS, err = otlp.ReadCertificate(flags.certificate, flags.key)
	return options, err
}

// places says where a server listens.
func places(server *otlp.Server) string {
	grpc, http, own := server.Addresses()
	var all []string
	for _, place := range []struct {
		name    string
		address net.Addr
	}{{"OTLP/gRPC on %s", grpc}, {"OTLP/HTTP on %s", http}, {"metrics on http://%s/metrics", own}} {
		if place.address != nil {
			all = append(all, fmt.Sprintf(place.name, place.address))
		}
	}
	return strings.Join(all, ", ")
}

func guards(options otlp.Options, flags serveOTLPFlags) string {
	secure := "no TLS"
	if options.TLS != nil {
		secure = "TLS"
	}
	region := "no default region"
	if code := options.Mapping.Region(); code != "" {
		region = "region " + code
	}
	measured := ""
	if len(options.Benchmark) > 0 {
		measured = fmt.Sprintf(", %d models measured on %s", len(options.Benchmark), flags.gpu)
	}
	return fmt.Sprintf("%s%s, %s, %d tokens", region, measured, secure, options.Tokens.Len())
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
