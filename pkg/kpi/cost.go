package kpi

// CostBasis says which cost a figure is about. Its values are those of the query
// option costBasis.
type CostBasis string

// The cost bases.
const (
	// CostBasisEnergy is what the electricity cost, PUE included.
	CostBasisEnergy CostBasis = "energy"
	// CostBasisFull is what the source billed, else the energy cost.
	CostBasisFull CostBasis = "full"
)

// Cost returns the cost of all the work on this basis; nil where it is not known,
// and for a name that is none of the constants.
func (b CostBasis) Cost(m Measures) *USD { return b.of(m.EnergyCost, m.Cost) }

// ServingCost is Cost of the work that answers requests: what a cost per
// transaction is of.
func (b CostBasis) ServingCost(m Measures) *USD { return b.of(m.ServingEnergyCost, m.ServingCost) }

func (b CostBasis) of(energy, full *USD) *USD {
	switch b {
	case CostBasisEnergy:
		return energy
	case CostBasisFull:
		return full
	default:
		return nil
	}
}

// CostPerTransaction is the cost of one AI transaction in USD:
//
//	energy basis: (energy kWh · $/kWh) / transactions
//	full basis:   cost / transactions
//
// The energy basis is facility energy at the price of each hour and region.
// Transactions are requests, or the business transactions a company reports.
// Source: the guide's KPI table. Refused without a cost or without transactions.
func CostPerTransaction(cost *USD, transactions float64) *USD {
	if cost == nil {
		return nil
	}
	return (*USD)(quotient(*cost, transactions))
}
