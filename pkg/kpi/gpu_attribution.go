package kpi

import (
	"math"
	"math/bits"
)

// NanowattHours is an amount of electrical energy as an integer, 1e12 nWh to the kWh,
// so that sums are exact.
type NanowattHours int64

// KilowattHours returns the energy in kWh. It is exact to the last nWh up to 2000 kWh.
func (e NanowattHours) KilowattHours() KilowattHours { return KilowattHours(float64(e) / 1e12) }

// NanowattHoursBetween returns the energy between two readings of a meter that counts
// millijoules from 0 and only ever rises:
//
//	⌊to · 2500/9⌋ − ⌊from · 2500/9⌋
//
// A millijoule is 277.777… nWh, which no integer is. Rounding the readings and not
// their difference makes intervals that follow each other add up exactly: their sum
// is the difference of the first and the last reading, to the last nWh.
func NanowattHoursBetween(from, to int64) NanowattHours {
	return nanowattHoursAt(to) - nanowattHoursAt(from)
}

// NanowattHoursBetweenJoules is NanowattHoursBetween for a meter that counts joules and
// parts of them, ⌊to · 1e7/36⌋ − ⌊from · 1e7/36⌋: intervals that follow each other add up
// exactly. It is exact to the last nWh up to 9 MWh on the meter.
func NanowattHoursBetweenJoules(from, to float64) NanowattHours {
	return NanowattHours(math.Floor(to*1e7/36)) - NanowattHours(math.Floor(from*1e7/36))
}

func nanowattHoursAt(millijoules int64) NanowattHours {
	return NanowattHours(millijoules/9*2500 + millijoules%9*2500/9)
}

// GPUProcess is what one process had of a GPU over an interval. A nil measure is not
// known.
type GPUProcess struct {
	Utilization *float64 // the process's share of the GPU's time, 0 to 1
	MemoryBytes *float64 // held on the GPU, mean of the interval
}

// GPUAttribution says what a GPU's energy of an interval went into.
type GPUAttribution struct {
	// Processes are in the order they were given.
	Processes []NanowattHours
	// Idle is what the GPU drew while nothing ran.
	Idle NanowattHours
	// Unknown is what ran, as the GPU's own utilisation shows, without a process that
	// could be seen; 0 where there is one.
	Unknown NanowattHours
	// Measured says that utilisation of each process divided the energy; otherwise
	// the division is an estimate.
	Measured bool
}

// AttributeGPU divides a GPU's energy among its processes. With the utilisation u of
// each process the share of one is u, scaled down where Σu is above 1, and that of
// idling
//
//	1 − Σu
//
// Idling has a share of its own because a GPU draws power while nothing runs, and
// nobody could lower it if it were spread on those who use it.
//
// Where the utilisation of a process is not known (MIG, old drivers) the GPU's own
// utilisation U is divided by the memory each process holds, and 1 − U is idle; where
// that is not known either, all of it is divided by memory; where the memory is not
// known, in equal parts. Those are estimates. Without a process U is Unknown and 1 − U
// idle; without U too, nothing can be told and all of it is Unknown.
//
// Parts are cut by the largest remainder: they add up to the energy exactly.
func AttributeGPU(energy NanowattHours, processes []GPUProcess, utilization *float64) GPUAttribution {
	n := len(processes)
	weights := make([]uint64, n+2) // the processes, idle, unknown
	byUtilization := n > 0
	for i, process := range processes {
		if process.Utilization == nil {
			byUtilization = false
			break
		}
		weights[i] = shareWeight(*process.Utilization)
	}
	var busy uint64
	switch {
	case byUtilization:
		for _, weight := range weights[:n] {
			busy += weight
		}
	case utilization != nil:
		busy = shareWeight(*utilization)
	default:
		busy = wholeShare
	}
	if busy < wholeShare {
		weights[n] = wholeShare - busy
	}
	if n == 0 {
		weights[n+1] = busy
	}
	if n > 0 && !byUtilization {
		parts := divide(busy, memoryWeights(processes))
		copy(weights, parts)
	}
	parts := divide(uint64(max(energy, 0)), weights)
	result := GPUAttribution{Processes: make([]NanowattHours, n), Idle: NanowattHours(parts[n]), Unknown: NanowattHours(parts[n+1]),
		Measured: byUtilization || n == 0 && utilization != nil}
	for i := range result.Processes {
		result.Processes[i] = NanowattHours(parts[i])
	}
	return result
}

// ShareByTokens divides the energy of a project over its models by the output tokens
// each generated, where the server reports them: generation takes nearly all of a
// request's energy and each output token is a pass through the model. The parts add up
// to the energy exactly. It is refused, nil, where there are no tokens or a count is
// below zero.
func ShareByTokens(energy NanowattHours, outputTokens []int64) []NanowattHours {
	return ShareByWeights(energy, outputTokens)
}

// ShareByWeights divides an energy in proportion to weights, by the largest remainder:
// the parts add up to it exactly. It is refused, nil, where all weights are 0 or one is
// below zero.
func ShareByWeights(energy NanowattHours, weights []int64) []NanowattHours {
	known := false
	whole := make([]uint64, len(weights))
	for i, weight := range weights {
		if weight < 0 {
			return nil
		}
		whole[i] = uint64(weight)
		known = known || weight > 0
	}
	if !known || energy < 0 {
		return nil
	}
	shares := make([]NanowattHours, len(whole))
	for i, part := range divide(uint64(energy), narrowed(whole)) {
		shares[i] = NanowattHours(part)
	}
	return shares
}

// wholeShare is the weight of a whole: shares are kept to 1e-9.
const wholeShare = 1 << 30

func shareWeight(share float64) uint64 {
	if !(share > 0) { // NaN too
		return 0
	}
	return uint64(math.Round(min(share, 1) * wholeShare))
}

func memoryWeights(processes []GPUProcess) []uint64 {
	weights := make([]uint64, len(processes))
	known := false
	for i, process := range processes {
		if process.MemoryBytes == nil || !(*process.MemoryBytes >= 0) || *process.MemoryBytes >= 1<<62 {
			known = false
			break
		}
		weights[i] = uint64(*process.MemoryBytes)
		known = known || weights[i] > 0
	}
	if known {
		return narrowed(weights)
	}
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// narrowed makes weights small enough for their sum to fit, which drops what is less
// than 1e-14 of it.
func narrowed(weights []uint64) []uint64 {
	largest := uint64(0)
	for _, weight := range weights {
		largest = max(largest, weight)
	}
	shift := max(0, bits.Len64(largest)-46)
	smaller := make([]uint64, len(weights))
	for i, weight := range weights {
		smaller[i] = weight >> shift
	}
	return smaller
}

// divide cuts a whole in proportion to weights by the largest remainder (Hamilton's
// method): each part is rounded down, and what is left goes, one each, to those that
// lost most; equals in their order. The parts add up to the whole. Weights of 0 get
// nothing; all of them 0 leave nothing to go by, and nothing is divided.
func divide(whole uint64, weights []uint64) []uint64 {
	parts, remainders := make([]uint64, len(weights)), make([]uint64, len(weights))
	sum := uint64(0)
	for _, weight := range weights {
		sum += weight
	}
	if sum == 0 {
		return parts
	}
	left := whole
	for i, weight := range weights {
		high, low := bits.Mul64(whole, weight)
		parts[i], remainders[i] = bits.Div64(high, low, sum) // high < sum, because weight ≤ sum
		left -= parts[i]
	}
	for ; left > 0; left-- {
		most := 0
		for i, remainder := range remainders {
			if remainder > remainders[most] {
				most = i
			}
		}
		parts[most]++
		remainders[most] = 0
	}
	return parts
}
