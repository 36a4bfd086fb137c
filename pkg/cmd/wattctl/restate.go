package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/ingest"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// restateFlags are what a restatement is asked with.
type restateFlags struct {
	version, year int
	preview       bool
}

func restateCommand(c console) *cobra.Command {
	var flags restateFlags
	command := &cobra.Command{
		Use:   "restate [FACTORS.csv] [--version N] [--preview]",
		Short: "Put a factor version in force, and show the old figures beside the new",
		Long: "Puts a factor version in force: from then on every answer that names no version is computed with it, the past\n" +
			"included, and the old figures and the new ones are shown beside each other by fiscal year. The earlier versions\n" +
			"stay readable. With a file, its factors are imported as a new version first (the file is as wattctl import factors\n" +
			"takes it); without file and --version it is the newest. --preview shows the figures and changes nothing in force.",
		Args: func(cmd *cobra.Command, arguments []string) error {
			switch {
			case len(arguments) > 1:
				return fmt.Errorf("restate takes one file, not %d", len(arguments))
			case len(arguments) == 1 && cmd.Flags().Changed("version"):
				return errors.New("restate takes a file or --version, not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, arguments []string) error { return c.restate(cmd, arguments, flags) },
	}
	command.Flags().IntVar(&flags.version, "version", 0, "the number of the version (default: the newest)")
	command.Flags().IntVar(&flags.year, "year", 0, "the year of Google's figures (default: the four digits in the file's name)")
	command.Flags().BoolVar(&flags.preview, "preview", false, "show what would change, and put nothing in force")
	command.Flags().String(rejectsFlag, "", "where to set rejected records aside (default FILE.rejects.csv)")
	return command
}

func (c console) restate(cmd *cobra.Command, arguments []string, flags restateFlags) error {
	wanted := flags.version
	if cmd.Flags().Changed("version") && wanted <= 0 {
		return usage("--version %d: versions are counted from 1", wanted)
	}
	if len(arguments) == 1 {
		version, err := c.importAsVersion(cmd, arguments[0], flags.year)
		if err != nil {
			return err
		}
		wanted = version
	}
	pool, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer pool.Close()
	reader := warehouse.NewReader(pool)
	versions, err := reader.FactorVersions(cmd.Context())
	if err != nil {
		return err
	}
	next, current, err := chooseVersions(versions, wanted)
	if err != nil {
		return err
	}
	if next.InForce {
		c.answer("Factor version %d (%s) is in force already.", next.ID, next.Name)
		return nil
	}
	if !flags.preview {
		if err := warehouse.OpenStore(pool).PutFactorsInForce(cmd.Context(), next.ID); err != nil {
			return err
		}
	}
	if current != nil {
		if err := c.compareVersions(cmd.Context(), reader, *current, next); err != nil {
			return err
		}
	}
	if flags.preview {
		c.answer("Nothing is changed. To put version %d in force, run: wattctl restate --version %d", next.ID, next.ID)
		return nil
	}
	c.answer("Factor version %d (%s) is in force.", next.ID, next.Name)
	if current != nil {
		c.answer("Version %d (%s), which was before, stays readable: wattctl query TYPE --factor-version %d", current.ID, current.Name, current.ID)
	}
	return nil
}

// importAsVersion imports factors and returns the version that holds them. A file
// with rejected records is not put in force: a restatement is whole or not at all.
func (c console) importAsVersion(cmd *cobra.Command, path string, year int) (int, error) {
	version := 0
	err := c.importFile(cmd, path, func(ctx context.Context, pool *pgxpool.Pool, file ingest.File) (ingest.Report, error) {
		report, err := ingest.Factors(ctx, warehouse.OpenStore(pool), file, year)
		version = report.Version
		return report.Report, err
	})
	if errors.Is(err, errRejected) {
		c.tell("Because of them nothing was put in force. Correct the file and restate again, or take the rest: wattctl restate --version %d", version)
	}
	return version, err
}

// chooseVersions takes the versions newest first, and 0 for the newest of them.
// current is nil where no version is in force.
func chooseVersions(versions []warehouse.FactorVersion, wanted int) (next warehouse.FactorVersion, current *warehouse.FactorVersion, err error) {
	if len(versions) == 0 {
		return next, nil, errors.New("there is no factor version")
	}
	index := 0
	if wanted != 0 {
		index = slices.IndexFunc(versions, func(v warehouse.FactorVersion) bool { return v.ID == wanted })
		if index < 0 {
			return next, nil, usage("there is no factor version %d: the newest is %d", wanted, versions[0].ID)
		}
	}
	if inForce := slices.IndexFunc(versions, func(v warehouse.FactorVersion) bool { return v.InForce }); inForce >= 0 {
		current = &versions[inForce]
	}
	return versions[index], current, nil
}

// restatedFigures are the figures that factors price.
var restatedFigures = []struct {
	name, unit string
	of         func(kpi.Measures) *float64
}{
	{"Facility energy", "kWh", func(m kpi.Measures) *float64 { return (*float64)(m.FacilityEnergy) }},
	{"Cost", "USD", func(m kpi.Measures) *float64 { return (*float64)(m.Cost) }},
	{"Carbon, location-based", "kgCO2e", func(m kpi.Measures) *float64 { return (*float64)(m.CarbonLocation) }},
	{"Carbon, market-based", "kgCO2e", func(m kpi.Measures) *float64 { return (*float64)(m.CarbonMarket) }},
}

// compareVersions shows the company's figures by two factor versions, a fiscal
// year a block.
func (c console) compareVersions(ctx context.Context, reader *warehouse.Reader, before, after warehouse.FactorVersion) error {
	extent, err := reader.Extent(ctx)
	if err != nil || extent.Duration() == 0 {
		return err
	}
	calendar, err := reader.Calendar(ctx)
	if err != nil {
		return err
	}
	var years []kpi.Span
	for _, year := range calendar.Buckets(warehouse.SnapToHours(extent, calendar.Location), kpi.IntervalYear) {
		years = append(years, year.Span)
	}
	answers, _, err := reader.Usage(ctx, warehouse.UsageRequest{Periods: years, FactorVersion: before.ID},
		warehouse.UsageRequest{Periods: years, FactorVersion: after.ID})
	if err != nil {
		return err
	}
	shown := newTable("Fiscal year", "Figure", "Unit", versionTitle(before), versionTitle(after), "Change")
	right := text.AlignRight
	shown.SetColumnConfigs([]table.ColumnConfig{
		{Number: 4, Align: right, AlignHeader: right}, {Number: 5, Align: right, AlignHeader: right}, {Number: 6, Align: right, AlignHeader: right},
	})
	for i, row := range answers[0] {
		// Usage does not depend on the version, but may have been added between the two.
		at := slices.IndexFunc(answers[1], func(r warehouse.UsageRow) bool { return r.Period == row.Period })
		if at < 0 {
			continue
		}
		if i > 0 {
			shown.AppendSeparator()
		}
		for line, figure := range restatedFigures {
			year := ""
			if line == 0 {
				year = fmt.Sprintf("FY %d", calendar.FiscalYear(years[row.Period].From))
			}
			was, is := figure.of(row.Measures), figure.of(answers[1][at].Measures)
			shown.AppendRow(table.Row{year, figure.name, figure.unit, amount(was), amount(is), relative(was, is)})
		}
	}
	c.answer("%s", shown.Render())
	return nil
}

func versionTitle(v warehouse.FactorVersion) string {
	return fmt.Sprintf("version %d (%s)", v.ID, v.Name)
}

func amount(value *float64) string {
	if value == nil {
		return "not known"
	}
	return plain(*value, 6)
}

func relative(was, is *float64) string {
	if was == nil || is == nil || *was == 0 {
		return ""
	}
	return fmt.Sprintf("%+.2f %%", (*is / *was - 1)*100)
}
