package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/collect"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

const (
	defaultSpool = "/var/lib/wattscore/spool"
	procPath     = "/proc"
	bootIDPath   = "/proc/sys/kernel/random/boot_id"
	// firstContact is how long the warehouse has to answer before collecting begins
	// without it.
	firstContact = 5 * time.Second
)

// collectFlags are what a person may choose.
type collectFlags struct {
	region, host, rules, spool, listen, proc string
	every                                    time.Duration
	spoolMiB                                 int64
}

func collectCommand(c console) *cobra.Command {
	var flags collectFlags
	command := &cobra.Command{
		Use:   "collect",
		Short: "Collect this host's GPU energy until stopped",
		Long: "Reads the GPUs of this host, gives their energy to projects by rules, and brings it to the warehouse until it is stopped " +
			"(SIGTERM or Ctrl-C). What the warehouse cannot take waits on the disk; nothing is lost and nothing counts twice. See docs/collect.md.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.collect(cmd, flags) },
	}
	f := command.Flags()
	f.StringVar(&flags.region, "region", "", "the host's region, whose factors price its energy, such as us-central1 or FRA (required)")
	f.StringVar(&flags.host, "host", "", "the host's name in the warehouse (default: the host's own)")
	f.DurationVar(&flags.every, "every", collect.DefaultEvery, "length of an interval, 1s to 1h")
	f.StringVar(&flags.rules, "rules", "", "YAML file that says which processes belong to which project (default: none, all work is __unallocated__)")
	f.StringVar(&flags.spool, "spool", defaultSpool, "directory for what the warehouse does not have yet")
	f.Int64Var(&flags.spoolMiB, "spool-size", collect.DefaultSpoolBytes>>20, "bound of the spool in MiB; when it is full, old intervals become coarser")
	f.StringVar(&flags.listen, "listen", collect.DefaultListen, "address of /metrics and /healthz; empty: none")
	f.StringVar(&flags.proc, "proc", procPath, "where the host's proc file system is")
	return command
}

func (c console) collect(cmd *cobra.Command, flags collectFlags) (err error) {
	if flags.region == "" {
		return usage("--region is missing: name the region that this host is in, for example --region us-central1")
	}
	if flags.every < time.Second || flags.every > time.Hour {
		return usage("--every %s is not between 1s and 1h", flags.every)
	}
	if flags.spoolMiB < 1 {
		return usage("--spool-size %d is not 1 MiB or more", flags.spoolMiB)
	}
	if flags.host == "" {
		if flags.host, err = os.Hostname(); err != nil {
			return usage("the host's name cannot be read (%v): pass --host", err)
		}
	}
	rules, err := collect.ReadRules(flags.rules)
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
	away, err := lookAtWarehouse(ctx, pool, store, flags.region)
	if err != nil {
		return err
	}
	source, err := openSource(ctx)
	if err != nil {
		return fmt.Errorf("opening the GPUs: %w", err)
	}
	defer func() { err = errors.Join(err, source.close()) }()
	agent, err := collect.New(collect.Options{
		Watcher: source.watcher, Warehouse: store, Processes: collect.ProcFS(flags.proc), Rules: rules,
		Host: flags.host, Region: flags.region, BootID: bootID(), Every: flags.every, Spool: flags.spool, SpoolBytes: flags.spoolMiB << 20,
		Listen: flags.listen, Snapshots: source.handler, Tell: c.tell,
	})
	if err != nil {
		return err
	}
	waiting, _ := agent.Waiting()
	where := "answering nowhere"
	if address := agent.Address(); address != nil {
		where = fmt.Sprintf("answering on http://%s/metrics", address)
	}
	c.tell("Collecting: host %s in region %s, every %s, %d rules, spool %s with %d records, %s.", flags.host, flags.region, flags.every,
		rules.Len(), flags.spool, waiting, where)
	if away != nil {
		c.tell("The warehouse is not there yet: %v. What is collected waits on the disk.", warehouse.Explain(away))
	}
	if err := agent.Run(ctx); err != nil {
		return err
	}
	if waiting, _ := agent.Waiting(); waiting > 0 {
		c.tell("Stopped. %d records wait in %s for the next start.", waiting, flags.spool)
		return nil
	}
	c.tell("Stopped. The warehouse has everything.")
	return nil
}

// lookAtWarehouse finds mistakes that a person can put right at once: a schema of
// another version, a region (where one is given) that is not there. A warehouse that
// does not answer is none, away says why.
func lookAtWarehouse(ctx context.Context, pool *pgxpool.Pool, store *warehouse.Store, region string) (away, err error) {
	ctx, cancel := context.WithTimeout(ctx, firstContact)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		var problem *warehouse.Problem
		if errors.As(warehouse.Explain(err), &problem) && problem.Kind != warehouse.ProblemUnreachable && problem.Kind != warehouse.ProblemTimeout {
			return nil, err
		}
		return err, nil
	}
	if err := checkSchema(ctx, pool); err != nil {
		return nil, err
	}
	if region == "" {
		return nil, nil
	}
	found, err := store.HasRegion(ctx, region)
	if err == nil && !found {
		err = fmt.Errorf("the warehouse has no region %q: import its factors (wattctl import factors), or correct --region", region)
	}
	return nil, err
}

func bootID() string {
	id, err := os.ReadFile(bootIDPath)
	if err != nil {
		return "" // not Linux
	}
	return strings.TrimSpace(string(id))
}
