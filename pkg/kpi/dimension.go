package kpi

import (
	"fmt"
	"slices"
	"strings"
)

// Dimension names an attribute that usage is grouped or filtered by.
// Its value is the name used in queries; Column is the name of its frame field.
type Dimension string

// The dimensions of the star schema.
const (
	DimensionBusinessUnit Dimension = "businessUnit"
	DimensionTeam         Dimension = "team"
	DimensionProductLine  Dimension = "productLine"
	DimensionCostCentre   Dimension = "costCentre"
	DimensionOwner        Dimension = "owner"
	DimensionProject      Dimension = "project"
	DimensionModel        Dimension = "model"
	DimensionProvider     Dimension = "provider"
	DimensionFamily       Dimension = "family"
	DimensionTaskClass    Dimension = "taskClass"
	DimensionStage        Dimension = "stage"
	DimensionRegion       Dimension = "region"
	DimensionEndpoint     Dimension = "endpoint"
	DimensionWorkload     Dimension = "workload"
)

var dimensionColumns = map[Dimension]string{
	DimensionBusinessUnit: "business_unit",
	DimensionTeam:         "team",
	DimensionProductLine:  "product_line",
	DimensionCostCentre:   "cost_centre",
	DimensionOwner:        "owner",
	DimensionProject:      "project",
	DimensionModel:        "model",
	DimensionProvider:     "provider",
	DimensionFamily:       "family",
	DimensionTaskClass:    "task_class",
	DimensionStage:        "stage",
	DimensionRegion:       "region",
	DimensionEndpoint:     "endpoint",
	DimensionWorkload:     "workload",
}

// GroupDimensions lists every dimension a query may group by, widest first.
func GroupDimensions() []Dimension {
	return []Dimension{
		DimensionBusinessUnit, DimensionTeam, DimensionProductLine, DimensionCostCentre, DimensionOwner,
		DimensionProject, DimensionModel, DimensionProvider, DimensionFamily, DimensionTaskClass,
		DimensionStage, DimensionRegion, DimensionEndpoint, DimensionWorkload,
	}
}

// FilterDimensions lists the dimensions every query type can be filtered by.
func FilterDimensions() []Dimension {
	return []Dimension{
		DimensionBusinessUnit, DimensionTeam, DimensionProject, DimensionModel,
		DimensionRegion, DimensionWorkload, DimensionEndpoint,
	}
}

// Column returns the snake_case field name of the dimension in a frame.
func (d Dimension) Column() string { return dimensionColumns[d] }

// ParseDimension finds the dimension a person means by name, whether it is
// written businessUnit, business_unit or business-unit. The error lists allowed.
func ParseDimension(name string, allowed []Dimension) (Dimension, error) {
	fold := strings.NewReplacer("_", "", "-", "", " ", "")
	wanted := strings.ToLower(fold.Replace(name))
	index := slices.IndexFunc(allowed, func(d Dimension) bool { return strings.ToLower(string(d)) == wanted })
	if index < 0 {
		names := make([]string, len(allowed))
		for i, d := range allowed {
			names[i] = string(d)
		}
		return "", fmt.Errorf("%q is not one of %s", name, strings.Join(names, ", "))
	}
	return allowed[index], nil
}

// Filters restricts usage to the named members of each dimension; a dimension
// that is absent or has no members is not restricted.
type Filters map[Dimension][]string

// Names of the members that hold what no project answers for. They are rows of
// their own in every answer, so that totals reconcile to the meter.
const (
	Idle        = "__idle__"        // energy GPUs drew without work
	Unallocated = "__unallocated__" // energy that no rule gives to a project
	None        = "__none__"        // usage that has no member in the dimension
)

// Workload is the kind of work an event did.
type Workload string

// The workloads. Idle is not work: it is what the hardware draws between jobs.
const (
	WorkloadInference  Workload = "inference"
	WorkloadBatch      Workload = "batch"
	WorkloadTraining   Workload = "training"
	WorkloadFineTuning Workload = "fine_tuning"
	WorkloadEmbedding  Workload = "embedding"
	WorkloadEvaluation Workload = "evaluation"
	WorkloadIdle       Workload = "idle"
)

// Workloads lists all workloads in the order leadership reads them.
func Workloads() []Workload {
	return []Workload{
		WorkloadInference, WorkloadBatch, WorkloadEmbedding, WorkloadTraining,
		WorkloadFineTuning, WorkloadEvaluation, WorkloadIdle,
	}
}
