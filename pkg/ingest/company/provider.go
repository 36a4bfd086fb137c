package company

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
	"github.com/wattscore/wattscore-aienergy-datasource/pkg/warehouse"
)

// rented is what a project did in a region of the cloud in a month.
type rented struct {
	month           time.Time
	region, project string
}

// carbonFree is the share of Google's electricity that its contracts make carbon-free,
// by region (region-carbon-info, 2024).
var carbonFree = map[string]float64{iowa: 0.87, virginia: 0.62, paris: 0.96, finland: 0.98, singapore: 0.04}

// The cloud has a little of everything that no event of an AI tells of: storage,
// networks, what is switched on beside a GPU.
const (
	otherServices = 0.06 // of the emissions of the machines
	scope1        = 0.01
	scope3        = 0.31 // of the location-based total of scope 1 and 2
	unused        = 0.035
	tax           = 0.21
)

const (
	billingAccount = "01NF7A-33C2D0-9E51B4"
	compute        = "Compute Engine"
	storage        = "Cloud Storage"
)

// state makes what the cloud provider says of the months before the one of the end: its
// carbon footprint, and its bill. The hall in Eemshaven is not its.
func (c *Company) state() {
	sums := c.rentedSums()
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b rented) int {
		return cmp.Or(a.month.Compare(b.month), cmp.Compare(a.region, b.region), cmp.Compare(a.project, b.project))
	})
	for _, key := range keys {
		r := c.random("statement " + key.month.Format(time.DateOnly) + key.region + key.project)
		theirs := sums[key].times(around(r, 0.02))
		c.stateCarbon(key, theirs.kilograms)
		c.stateCost(key, theirs.usd)
	}
}

func (c *Company) rentedSums() map[rented]amounts {
	prices, sums := c.prices(), map[rented]amounts{}
	for i := range c.Events {
		e := &c.Events[i]
		if e.Region == eemshaven {
			continue
		}
		project := e.Project
		if project == kpi.Idle {
			project = "" // a provider does not know who it waits for
		}
		eachPart(e, 24*time.Hour, func(day time.Time, part float64) {
			key := rented{monthOf(day), e.Region, project}
			if key.month.Before(c.current) {
				sums[key] = sums[key].plus(amounts{float64(prices.cost(e, day, part)), float64(prices.carbon(e, day, part))})
			}
		})
	}
	return sums
}

func statement(key rented, service string, quantity kpi.ProviderQuantity, scope kpi.Scope, value float64) warehouse.ProviderFigure {
	return warehouse.ProviderFigure{Value: int64(math.Round(value * 1e9)), ProviderKey: warehouse.ProviderKey{
		Cloud: "gcp", StatementFrom: key.month, StatementTo: key.month.AddDate(0, 1, 0), Month: key.month, Account: billingAccount,
		Service: service, Region: key.region, Project: key.project, Quantity: quantity, Scope: scope}}
}

// stateCarbon has the total of both bases and their parts, as Google exports them.
func (c *Company) stateCarbon(key rented, kilograms float64) {
	for _, service := range []string{compute, storage} {
		location := kilograms
		if service == storage {
			location *= otherServices
		}
		market, direct := location*(1-carbonFree[key.region]), location*scope1
		upstream := (location + direct) * scope3
		for _, part := range []struct {
			quantity kpi.ProviderQuantity
			scope    kpi.Scope
			value    float64
		}{
			{kpi.ProviderCarbonLocation, kpi.ScopeTotal, location + direct + upstream}, {kpi.ProviderCarbonMarket, kpi.ScopeTotal, market + direct + upstream},
			{kpi.ProviderCarbon, kpi.Scope1, direct}, {kpi.ProviderCarbonLocation, kpi.Scope2, location},
			{kpi.ProviderCarbonMarket, kpi.Scope2, market}, {kpi.ProviderCarbon, kpi.Scope3, upstream},
		} {
			f := statement(key, service, part.quantity, part.scope, part.value)
			f.ModelVersion = "14"
			c.CarbonStatements = append(c.CarbonStatements, f)
		}
	}
}

// stateCost has the machines, what of the commitments nobody used, storage, and the tax.
func (c *Company) stateCost(key rented, usd float64) {
	for _, part := range []struct {
		service string
		charge  kpi.Charge
		idle    bool
		value   float64
	}{
		{compute, kpi.ChargeUsage, false, usd}, {compute, kpi.ChargeUsage, true, usd * unused},
		{storage, kpi.ChargeUsage, false, usd * otherServices}, {compute, kpi.ChargeTax, false, usd * (1 + unused + otherServices) * tax},
	} {
		f := statement(key, part.service, kpi.ProviderCost, kpi.ScopeTotal, part.value)
		f.Charge, f.Idle = part.charge, part.idle
		c.Bills = append(c.Bills, f)
	}
}
