package kpi

// HardwareHealth holds the counters of a GPU's memory, as read. A nil counter is one
// the device does not give.
type HardwareHealth struct {
	UncorrectedECC *int64
	RemappedRows   *int64 // Ampere and newer
	RetiredPages   *int64 // before Ampere
	RemapPending   *bool
	RemapFailed    *bool
	Lost           bool // it does not answer
}

// Verdicts on a GPU's health, the worst first.
const (
	HealthLost    = "Lost"    // it does not answer
	HealthReplace = "Replace" // its spare rows are used up, which is NVIDIA's criterion for an exchange
	HealthReset   = "Reset"   // a row waits for the next reset of the GPU to be replaced
	HealthWorn    = "Worn"    // it has had errors that it could not correct, or has used spare memory
	HealthSound   = "Sound"
)

// Verdict says how the GPU is, by NVIDIA's "GPU Memory Error Management"; empty where
// no counter is known.
func (h HardwareHealth) Verdict() string {
	is := func(flag *bool) bool { return flag != nil && *flag }
	some := func(count *int64) bool { return count != nil && *count > 0 }
	switch {
	case h.Lost:
		return HealthLost
	case is(h.RemapFailed):
		return HealthReplace
	case is(h.RemapPending):
		return HealthReset
	case some(h.UncorrectedECC), some(h.RemappedRows), some(h.RetiredPages):
		return HealthWorn
	case h.UncorrectedECC == nil && h.RemappedRows == nil && h.RetiredPages == nil && h.RemapPending == nil && h.RemapFailed == nil:
		return ""
	}
	return HealthSound
}
