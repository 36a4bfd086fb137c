package prometheus

import (
	"time"

	"github.com/wattscore/wattscore-aienergy-datasource/pkg/kpi"
)

// trackerWindow is what a CodeCarbon tracker says over a window.
//
// Its gauge codecarbon_energy_consumed is the energy since its last measurement and not
// a total, so what it adds up to depends on how often it is scraped: it is not read. The
// counter is; where a tracker has none, as before CodeCarbon 3, its power is integrated.
type trackerWindow struct {
	labels labels
	energy *kpi.NanowattHours
	joules float64
	lasted time.Duration
}

func (t *trackerWindow) counted(energy kpi.NanowattHours) {
	if t.energy == nil {
		t.energy = new(kpi.NanowattHours)
	}
	*t.energy += energy
}

func (t *trackerWindow) drew(joules float64, lasted time.Duration) {
	t.joules += joules
	t.lasted += lasted
}

// itEnergy is the tracker's energy without the PUE that the counter has inside, and
// whether it was counted.
func (t *trackerWindow) itEnergy(pue float64) (energy kpi.NanowattHours, counted bool) {
	if t.energy != nil {
		return kpi.NanowattHours(float64(*t.energy) / pue), true
	}
	return kpi.NanowattHoursBetweenJoules(0, t.joules), false
}
