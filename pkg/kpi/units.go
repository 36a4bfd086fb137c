package kpi

// KilowattHours is an amount of electrical energy, 1 kWh = 3.6 MJ.
type KilowattHours float64

// KilogramsCO2e is a mass of greenhouse gases as carbon dioxide equivalent.
type KilogramsCO2e float64

// USD is an amount of money in US dollars.
type USD float64

// TonnesCO2e is a metric tonne of carbon dioxide equivalent, 1000 kg.
type TonnesCO2e float64

// WattHours returns the energy in Wh.
func (e KilowattHours) WattHours() float64 { return float64(e) * 1000 }

// MegawattHours returns the energy in MWh.
func (e KilowattHours) MegawattHours() float64 { return float64(e) / 1000 }

// Tonnes returns the mass in metric tonnes.
func (m KilogramsCO2e) Tonnes() TonnesCO2e { return TonnesCO2e(m / 1000) }

// KilowattHoursFromJoules converts an energy in joules, 3.6 MJ to the kWh.
func KilowattHoursFromJoules(joules float64) KilowattHours {
	return KilowattHours(joules / 3.6e6)
}
