package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

var (
	//go:embed statements/provider_figures.sql
	providerFiguresSQL string
	//go:embed statements/provider_reach.sql
	providerReachSQL string
)

// ProviderFiguresSQL is the statement that ProviderFigures sends.
func ProviderFiguresSQL() string { return providerFiguresSQL }

// ProviderRequest asks what providers say of some months. Filters on business unit,
// team, project and region apply; a provider knows no others.
type ProviderRequest struct {
	// From is the first month and To the one after the last. Their dates count, in the
	// zone they are in: a provider cuts months by its own clock.
	From, To  time.Time
	Sources   []kpi.ProviderSource // empty: all
	Services  []string             // empty: all
	Filters   kpi.Filters
	ByProject bool
	ByUnit    bool
	ByService bool
}

// StatedFigure is a provider's, added up over accounts.
type StatedFigure struct {
	Month        time.Time // its first day
	Source       kpi.ProviderSource
	Cloud        string
	ModelVersion string
	Region       string
	Project      string // where asked for
	BusinessUnit string // where asked for
	Service      string // where asked for
	Quantity     kpi.ProviderQuantity
	Scope        kpi.Scope
	Charge       kpi.Charge
	Idle         bool
	Value        float64 // kg CO2e, kWh or USD
}

// ProviderFigures lists the figures that no later import has restated.
func (r *Reader) ProviderFigures(ctx context.Context, request ProviderRequest) ([]StatedFigure, error) {
	args := request.arguments()
	args["first_day"], args["end_day"] = date(request.From), date(request.To)
	return collect[StatedFigure](ctx, r, "what providers state", providerFiguresSQL, args)
}

func (request ProviderRequest) arguments() pgx.NamedArgs {
	args := filterArguments(request.Filters)
	args["sources"], args["services"] = nil, nil
	if len(request.Sources) > 0 {
		args["sources"] = request.Sources
	}
	if len(request.Services) > 0 {
		args["services"] = request.Services
	}
	args["by_project"], args["by_unit"], args["by_service"] = request.ByProject, request.ByUnit, request.ByService
	return args
}

// ProviderReach is which regions and accounts a provider has reported on in a month, by
// a version of its method.
type ProviderReach struct {
	Source       kpi.ProviderSource
	Cloud        string
	Month        time.Time // its first day
	ModelVersion string
	Regions      []string
	Accounts     []string
}

// ProviderReach lists it for every month there is, whatever months are asked for.
func (r *Reader) ProviderReach(ctx context.Context, request ProviderRequest) ([]ProviderReach, error) {
	return collect[ProviderReach](ctx, r, "whom providers report on", providerReachSQL, request.arguments())
}

// ProviderImport is one that changed something.
type ProviderImport struct {
	ID       int
	Source   kpi.ProviderSource
	Files    string
	Time     time.Time
	Figures  int // that it brought
	Restated int // of them and of earlier imports' that it put out of force
}

// ProviderImports lists them, newest first.
func (r *Reader) ProviderImports(ctx context.Context) ([]ProviderImport, error) {
	rows, err := r.pool.Query(ctx, `SELECT import_id, source, files, imported_at,
			(SELECT count(*) FROM wattscore.provider_figure f WHERE f.import_id = i.import_id)::int,
			(SELECT count(*) FROM wattscore.provider_figure f WHERE f.superseded_by = i.import_id)::int
		FROM wattscore.provider_import i ORDER BY import_id DESC`)
	if err != nil {
		return nil, fmt.Errorf("listing the imports of providers' figures: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ProviderImport])
}
