package kpi

import (
	"cmp"
	"strings"
)

// ProviderSource is who states a figure that is held against ours.
type ProviderSource string

// The sources: Cloud Carbon Footprint, Google Carbon Footprint, the carbon export of
// AWS, and bills in the format FOCUS.
const (
	ProviderCCF    ProviderSource = "ccf"
	ProviderGoogle ProviderSource = "google"
	ProviderAWS    ProviderSource = "aws"
	ProviderFOCUS  ProviderSource = "focus"
)

// ProviderSources lists the sources.
func ProviderSources() []ProviderSource {
	return []ProviderSource{ProviderCCF, ProviderGoogle, ProviderAWS, ProviderFOCUS}
}

// ProviderQuantity is what a provider's figure is of.
type ProviderQuantity string

// The quantities, in kg CO2e, kWh and USD. Carbon without a stated basis is not added
// to either basis, nor these to each other. The energy was never metered.
const (
	ProviderCarbonLocation ProviderQuantity = "carbon_location"
	ProviderCarbonMarket   ProviderQuantity = "carbon_market"
	ProviderCarbon         ProviderQuantity = "carbon"
	ProviderEnergy         ProviderQuantity = "energy"
	ProviderCost           ProviderQuantity = "cost"
)

// ProviderQuantities lists the quantities.
func ProviderQuantities() []ProviderQuantity {
	return []ProviderQuantity{ProviderCarbonLocation, ProviderCarbonMarket, ProviderCarbon, ProviderEnergy, ProviderCost}
}

// Scope is one of the GHG Protocol's three, or all of what a provider reports.
type Scope string

// The scopes. The total has those that are told apart inside.
const (
	ScopeTotal Scope = "total"
	Scope1     Scope = "1"
	Scope2     Scope = "2"
	Scope3     Scope = "3"
)

// Charge is the kind of a cost, as FOCUS names it (ChargeCategory).
type Charge string

// The kinds. What is no cost has none. Tax is the state's, and a credit is given for
// other reasons than the use: both stand apart from what the use cost.
const (
	ChargeNone       Charge = ""
	ChargeUsage      Charge = "usage"
	ChargePurchase   Charge = "purchase"
	ChargeAdjustment Charge = "adjustment"
	ChargeCredit     Charge = "credit"
	ChargeTax        Charge = "tax"
)

// CompareModelVersions orders versions of a provider's method from old to new: numbers
// in them as numbers, so that v10.0.0 is newer than v9.1.0.
func CompareModelVersions(a, b string) int {
	for a != "" && b != "" {
		if !isDigit(a[0]) || !isDigit(b[0]) {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		var left, right string
		left, a = leadingNumber(a)
		right, b = leadingNumber(b)
		if order := cmp.Or(cmp.Compare(len(left), len(right)), cmp.Compare(left, right)); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(a), len(b))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// leadingNumber cuts the digits off a text, without leading zeros.
func leadingNumber(text string) (digits, rest string) {
	end := 0
	for end < len(text) && isDigit(text[end]) {
		end++
	}
	return strings.TrimLeft(text[:end], "0"), text[end:]
}
