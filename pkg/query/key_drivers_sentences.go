package query

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// driverLabel is how a person calls a driver. Work in different units has drivers
// of its own.
func driverLabel(e kpi.DriverEffect) string {
	byUnit := func(requests, hours, jobs string) string {
		switch e.Activity {
		case kpi.ActivityGPUHours:
			return hours
		case kpi.ActivityJobs:
			return jobs
		}
		return requests
	}
	switch e.Driver {
	case kpi.DriverVolume:
		return byUnit("Request volume", "Training volume", "Training jobs")
	case kpi.DriverMix:
		return byUnit("Request mix", "Training mix", "Training job mix")
	case kpi.DriverIntensity:
		return byUnit("Energy per request", "Energy per GPU-hour", "Energy per training job")
	case kpi.DriverPUE:
		return "PUE"
	case kpi.DriverTariff:
		return "Electricity price"
	case kpi.DriverGrid:
		return "Grid carbon intensity"
	case kpi.DriverIdle:
		return "Idle and unallocated energy"
	case kpi.DriverUncounted:
		return "Work without a count"
	case kpi.DriverUnpriced:
		return "Work without a PUE"
	}
	return string(e.Driver)
}

// memberNames are the words for the members of the dimension that drivers are
// told by.
type memberNames struct {
	group  kpi.Dimension
	places map[string]string // of regions
}

func (n memberNames) name(member string) string {
	if place := n.places[member]; place != "" {
		return place
	}
	return MemberLabel(member)
}

// at follows what happened: " in Marketing", " without a team".
func (n memberNames) at(member, preposition string) string {
	switch member {
	case kpi.None:
		return " without a " + strings.ToLower(dimensionLabels[n.group])
	case kpi.Idle:
		return " on idle GPUs"
	case kpi.Unallocated:
		return " that no project answers for"
	}
	if n.group == kpi.DimensionModel && preposition == "in" {
		preposition = "for"
	}
	if n.group == kpi.DimensionRegion {
		preposition = "in"
	}
	return " " + preposition + " " + n.name(member)
}

// worker is who used more or less energy: "Customer Care's models".
func (n memberNames) worker(member string, activity kpi.Activity) string {
	training := activity != kpi.ActivityRequests
	switch {
	case member == kpi.None && training:
		return "Training" + n.at(member, "in")
	case member == kpi.None || member == kpi.Idle || member == kpi.Unallocated:
		return "Models" + n.at(member, "in")
	case n.group == kpi.DimensionModel && training:
		return "Training of " + n.name(member)
	case n.group == kpi.DimensionModel:
		return n.name(member)
	case n.group == kpi.DimensionRegion && training:
		return "Training in " + n.name(member)
	case n.group == kpi.DimensionRegion:
		return "Models in " + n.name(member)
	case training:
		return possessive(n.name(member)) + " training"
	}
	return possessive(n.name(member)) + " models"
}

func possessive(name string) string {
	if strings.HasSuffix(name, "s") {
		return name + "'"
	}
	return name + "'s"
}

// mixed is what can shift within a member: never the member itself.
func (n memberNames) mixed() string {
	switch n.group {
	case kpi.DimensionModel:
		return "projects and regions"
	case kpi.DimensionRegion:
		return "models and projects"
	}
	return "models and regions"
}

// sentence tells an effect so that it can be read aloud. It is empty for an effect
// that rounds to nothing beside the whole.
func sentence(e kpi.DriverEffect, measure kpi.ChangeMeasure, n memberNames, whole float64) string {
	const nothing = 0.0005
	amount := amountOf(measure, math.Abs(e.Effect))
	if math.Abs(e.Effect) < nothing*whole || amount == "" {
		return ""
	}
	either := func(more, less string) string {
		if e.Effect > 0 {
			return more
		}
		return less
	}
	does := either("added ", "saved ") + amount
	switch e.Driver {
	case kpi.DriverVolume:
		if e.Activity != kpi.ActivityRequests {
			preposition := "in"
			if n.group == kpi.DimensionModel {
				preposition = "of"
			}
			return fmt.Sprintf("%s%s %s", either("GPU-heavy training", "Less GPU-heavy training"), n.at(e.Group, preposition), does)
		}
		preposition := "in"
		if n.group == kpi.DimensionModel {
			preposition = "to"
		}
		return fmt.Sprintf("%s requests%s %s", either("More", "Fewer"), n.at(e.Group, preposition), does)
	case kpi.DriverMix:
		work := "requests"
		if e.Activity != kpi.ActivityRequests {
			work = "training"
		}
		return fmt.Sprintf("A different mix of %s for %s%s %s", n.mixed(), work, n.at(e.Group, "in"), does)
	case kpi.DriverIntensity:
		per := map[kpi.Activity]string{kpi.ActivityRequests: "request", kpi.ActivityGPUHours: "GPU-hour", kpi.ActivityJobs: "job"}[e.Activity]
		return fmt.Sprintf("%s used %s energy per %s, %s", n.worker(e.Group, e.Activity), changed(e), per,
			either("adding ", "saving ")+amount)
	case kpi.DriverPUE:
		return fmt.Sprintf("%s data centre overhead (PUE)%s %s", either("Higher", "Lower"), n.at(e.Group, "for"), does)
	case kpi.DriverTariff:
		return fmt.Sprintf("A %s electricity price%s %s", either("higher", "lower"), n.at(e.Group, "for"), does)
	case kpi.DriverGrid:
		return fmt.Sprintf("A %s grid%s %s", either("more carbon-intensive", "cleaner"), n.at(e.Group, "for"), does)
	}
	// What has no factors: only that it changed is known, not why.
	return fmt.Sprintf("%s %s %s", n.unexplained(e), usedVerb[measure], amount+either(" more", " less"))
}

var usedVerb = map[kpi.ChangeMeasure]string{kpi.ChangeOfEnergy: "used", kpi.ChangeOfCost: "cost", kpi.ChangeOfCarbon: "emitted"}

// unexplained names what changed for an effect that is no factor's.
func (n memberNames) unexplained(e kpi.DriverEffect) string {
	switch {
	case e.Driver == kpi.DriverUncounted:
		return "Work that is not counted in requests or GPU-hours" + n.at(e.Group, "in")
	case e.Driver == kpi.DriverUnpriced:
		return "Work with an unknown PUE" + n.at(e.Group, "in")
	case e.Group == kpi.Unallocated:
		return "Work that no project answers for"
	case e.Group == kpi.Idle:
		return "Idle GPUs"
	}
	return "Idle GPUs and unallocated work" + n.at(e.Group, "in")
}

// changed says by how much an intensity changed: "12 % less".
func changed(e kpi.DriverEffect) string {
	more := "more"
	if e.Effect < 0 {
		more = "less"
	}
	if e.FactorChange == nil || *e.FactorChange > 10 {
		return more
	}
	percent := math.Round(math.Abs(*e.FactorChange) * 100)
	if percent < 1 {
		return "slightly " + more
	}
	return fmt.Sprintf("%.0f %% %s", percent, more)
}

// amountOf writes an amount in the unit that makes it short to say; it is empty
// for one that rounds to nothing.
func amountOf(measure kpi.ChangeMeasure, amount float64) string {
	switch measure {
	case kpi.ChangeOfCost:
		return dollars(amount)
	case kpi.ChangeOfCarbon:
		return scaled(amount*1000, " of CO₂e", "g", "kg", "t", "kt", "Mt")
	}
	return scaled(amount*1000, "", "Wh", "kWh", "MWh", "GWh", "TWh")
}

// scaled takes the first unit, each a thousand of the one before, in which the
// amount is below a thousand.
func scaled(amount float64, of string, units ...string) string {
	for i, unit := range units {
		if text, fits := figure(amount); fits || i == len(units)-1 {
			if text == "0" {
				return ""
			}
			return text + " " + unit + of
		}
		amount /= 1000
	}
	return ""
}

// figure rounds to one decimal below ten and to none from there; fits is false
// where that is a thousand or more.
func figure(amount float64) (text string, fits bool) {
	rounded := math.Round(amount*10) / 10
	if rounded >= 10 {
		rounded = math.Round(amount)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64), rounded < 1000
}

// dollars writes cents below ten dollars, three significant digits above a
// thousand, and millions from there.
func dollars(amount float64) string {
	const million = 1e6
	switch {
	case math.Round(amount*100) == 0:
		return ""
	case math.Round(amount*100) < 1000:
		return fmt.Sprintf("$%.2f", amount)
	case math.Round(amount) < 1000:
		return fmt.Sprintf("$%.0f", amount)
	case significant(amount) < million:
		rounded := int(significant(amount))
		return fmt.Sprintf("$%d,%03d", rounded/1000, rounded%1000)
	case significant(amount) < 1000*million:
		return "$" + strconv.FormatFloat(significant(amount)/million, 'f', -1, 64) + " million"
	}
	return "$" + strconv.FormatFloat(significant(amount)/(1000*million), 'f', -1, 64) + " billion"
}

func significant(amount float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(amount, 'g', 3, 64), 64)
	if err != nil {
		return amount // it is what FormatFloat wrote
	}
	return rounded
}
