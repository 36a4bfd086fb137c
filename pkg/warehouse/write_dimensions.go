package warehouse

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// Model is what the company says of a model. An empty text and a nil pointer say
// nothing and leave what is there.
type Model struct {
	Name      string
	Provider  string
	Family    string
	TaskClass string // must exist: it names the reference intensity
	// ParametersBillion is the number of parameters in 1e9.
	ParametersBillion *float64
	Accuracy          *float64
	AccuracyMetric    string
	// BusinessCriticality is 0 to 100.
	BusinessCriticality *int
	Stage               string // development, staging, production (when new) or retired
	LatencySLO          *time.Duration
	// ReleasedOn is the day the model went into production; its time of day does
	// not count.
	ReleasedOn *time.Time
}

// Project is what a project belongs to. An empty text leaves what is there.
type Project struct {
	Name         string
	Team         string
	BusinessUnit string
	ProductLine  string
	CostCentre   string
	Owner        string
}

// TrainingRun is one training of a model. Model and Project are created when
// they are new. An empty text and a nil pointer leave what is there.
type TrainingRun struct {
	ID             string
	Model          string
	Project        string
	Feature        string // what the run was for
	StartedAt      time.Time
	EndedAt        *time.Time // nil: still running
	GPUCount       *int
	GPUModel       string
	Accuracy       *float64
	AccuracyMetric string
}

const mostGPUs = 1_000_000

// ModelStages lists the stages of a model's life.
func ModelStages() []string { return []string{"development", "staging", "production", "retired"} }

//go:embed statements/upsert_models.sql
var upsertModelsSQL string

//go:embed statements/upsert_projects.sql
var upsertProjectsSQL string

//go:embed statements/ensure_run_members.sql
var ensureRunMembersSQL string

//go:embed statements/upsert_training_runs.sql
var upsertTrainingRunsSQL string

// UpsertModels stores what is said of models.
func (s *Store) UpsertModels(ctx context.Context, models []Model) (WriteResult, error) {
	classes, err := collectTexts(ctx, s.pool, "SELECT task_class FROM wattscore.task_class ORDER BY 1")
	if err != nil {
		return WriteResult{}, fmt.Errorf("reading the task classes: %w", err)
	}
	accepted, result := screen(models, func(m Model) string { return m.Name }, func(m Model) error { return m.check(classes) })
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return result.store(ctx, tx, upsertModelsSQL, pgx.NamedArgs{
			"name":                 column(models, accepted, func(m Model) string { return m.Name }),
			"provider":             textColumn(models, accepted, func(m Model) string { return m.Provider }),
			"family":               textColumn(models, accepted, func(m Model) string { return m.Family }),
			"task_class":           textColumn(models, accepted, func(m Model) string { return m.TaskClass }),
			"parameters_billion":   column(models, accepted, func(m Model) *float64 { return m.ParametersBillion }),
			"accuracy":             column(models, accepted, func(m Model) *float64 { return m.Accuracy }),
			"accuracy_metric":      textColumn(models, accepted, func(m Model) string { return m.AccuracyMetric }),
			"business_criticality": column(models, accepted, func(m Model) *int { return m.BusinessCriticality }),
			"stage":                textColumn(models, accepted, func(m Model) string { return m.Stage }),
			"latency_slo_ms":       column(models, accepted, func(m Model) *float64 { return milliseconds(m.LatencySLO) }),
			"released_on":          column(models, accepted, func(m Model) *time.Time { return m.ReleasedOn }),
		}, accepted)
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d models: %w", len(accepted), err)
	}
	return result, nil
}

func (m Model) check(taskClasses []string) error {
	switch {
	case m.TaskClass != "" && !slices.Contains(taskClasses, m.TaskClass):
		return fmt.Errorf("unknown task class %q: it must be one of %s", m.TaskClass, strings.Join(taskClasses, ", "))
	case m.Stage != "" && !slices.Contains(ModelStages(), m.Stage):
		return fmt.Errorf("unknown stage %q: it must be one of %s", m.Stage, strings.Join(ModelStages(), ", "))
	case m.ParametersBillion != nil && *m.ParametersBillion == 0:
		return errors.New("the number of parameters is 0: leave it out where it is not known")
	case m.BusinessCriticality != nil && (*m.BusinessCriticality < 0 || *m.BusinessCriticality > 100):
		return fmt.Errorf("business criticality %d is not between 0 and 100", *m.BusinessCriticality)
	case m.LatencySLO != nil && *m.LatencySLO <= 0:
		return fmt.Errorf("the latency SLO %s is not positive", *m.LatencySLO)
	}
	return errors.Join(
		checkMember("model", m.Name),
		checkText(m.Provider, m.Family, m.AccuracyMetric),
		checkAmount("the number of parameters", m.ParametersBillion, 0),
		checkAmount("accuracy", m.Accuracy, math.Inf(-1)),
	)
}

// UpsertProjects stores what is said of projects.
func (s *Store) UpsertProjects(ctx context.Context, projects []Project) (WriteResult, error) {
	accepted, result := screen(projects, func(p Project) string { return p.Name }, func(p Project) error {
		return errors.Join(checkMember("project", p.Name), checkText(p.Team, p.BusinessUnit, p.ProductLine, p.CostCentre, p.Owner))
	})
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return result.store(ctx, tx, upsertProjectsSQL, pgx.NamedArgs{
			"name":          column(projects, accepted, func(p Project) string { return p.Name }),
			"team":          textColumn(projects, accepted, func(p Project) string { return p.Team }),
			"business_unit": textColumn(projects, accepted, func(p Project) string { return p.BusinessUnit }),
			"product_line":  textColumn(projects, accepted, func(p Project) string { return p.ProductLine }),
			"cost_centre":   textColumn(projects, accepted, func(p Project) string { return p.CostCentre }),
			"owner":         textColumn(projects, accepted, func(p Project) string { return p.Owner }),
		}, accepted)
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d projects: %w", len(accepted), err)
	}
	return result, nil
}

// UpsertTrainingRuns stores what is said of training runs; their energy is
// written as events that carry the run's ID.
func (s *Store) UpsertTrainingRuns(ctx context.Context, runs []TrainingRun) (WriteResult, error) {
	accepted, result := screen(runs, func(r TrainingRun) string { return r.ID }, TrainingRun.check)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		modelNames := textColumn(runs, accepted, func(r TrainingRun) string { return r.Model })
		projectNames := textColumn(runs, accepted, func(r TrainingRun) string { return r.Project })
		if _, err := tx.Exec(ctx, ensureRunMembersSQL, pgx.NamedArgs{"model": modelNames, "project": projectNames}); err != nil {
			return err
		}
		return result.store(ctx, tx, upsertTrainingRunsSQL, pgx.NamedArgs{
			"run_id":          column(runs, accepted, func(r TrainingRun) string { return r.ID }),
			"model":           modelNames,
			"project":         projectNames,
			"feature":         textColumn(runs, accepted, func(r TrainingRun) string { return r.Feature }),
			"started_at":      column(runs, accepted, func(r TrainingRun) time.Time { return r.StartedAt }),
			"ended_at":        column(runs, accepted, func(r TrainingRun) *time.Time { return r.EndedAt }),
			"gpu_count":       column(runs, accepted, func(r TrainingRun) *int { return r.GPUCount }),
			"gpu_model":       textColumn(runs, accepted, func(r TrainingRun) string { return r.GPUModel }),
			"accuracy":        column(runs, accepted, func(r TrainingRun) *float64 { return r.Accuracy }),
			"accuracy_metric": textColumn(runs, accepted, func(r TrainingRun) string { return r.AccuracyMetric }),
		}, accepted)
	})
	if err != nil {
		return WriteResult{}, fmt.Errorf("storing %d training runs: %w", len(accepted), err)
	}
	return result, nil
}

func (r TrainingRun) check() error {
	switch {
	case r.ID == "":
		return errors.New("the training run has no id")
	case r.EndedAt != nil && r.EndedAt.Before(r.StartedAt):
		return fmt.Errorf("the run ends at %s, before it starts", r.EndedAt.Format(time.RFC3339))
	case r.GPUCount != nil && (*r.GPUCount <= 0 || *r.GPUCount > mostGPUs):
		return fmt.Errorf("the number of GPUs is %d: leave it out where it is not known", *r.GPUCount)
	}
	return errors.Join(
		checkText(r.ID, r.Model, r.Project, r.Feature, r.GPUModel, r.AccuracyMetric),
		checkDay("the start", r.StartedAt, EarliestEvent),
		checkAmount("accuracy", r.Accuracy, math.Inf(-1)),
	)
}

// checkMember refuses a name that cannot be a member of a dimension.
func checkMember(dimension, name string) error {
	switch name {
	case "":
		return fmt.Errorf("the %s has no name", dimension)
	case kpi.Idle, kpi.Unallocated, kpi.None:
		return fmt.Errorf("%s is a reserved name: it holds the energy that no %s answers for", name, dimension)
	}
	return checkText(name)
}

func milliseconds(duration *time.Duration) *float64 {
	if duration == nil {
		return nil
	}
	ms := float64(*duration) / float64(time.Millisecond)
	return &ms
}

func collectTexts(ctx context.Context, pool *pgxpool.Pool, statement string) ([]string, error) {
	rows, err := pool.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
