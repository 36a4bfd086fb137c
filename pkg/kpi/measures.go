package kpi

// Measures are the sums over one group of events in one period: what the
// roll-ups hold, priced with the factors valid at each event's own time.
// A pointer is nil where part of the energy has no factor, because a total that
// leaves some of it out would be a wrong number.
type Measures struct {
	Events       int64
	Requests     int64
	InputTokens  int64
	OutputTokens int64

	// ITEnergy is the energy of the IT equipment alone, without PUE.
	ITEnergy KilowattHours
	// MeasuredEnergy is the part of ITEnergy that was metered, not estimated.
	MeasuredEnergy KilowattHours
	// FacilityEnergy is IT energy × PUE(region, time).
	FacilityEnergy *KilowattHours

	// EnergyCost is facility energy × electricity price(region, time).
	EnergyCost *USD
	// Cost is what the source billed, else the energy cost of the event.
	Cost *USD

	// CarbonLocation and CarbonMarket are scope 2 emissions by the grid's
	// average and by the supply contracts. They are two views of one thing and
	// are never added together.
	CarbonLocation *KilogramsCO2e
	CarbonMarket   *KilogramsCO2e

	GPUHours       float64
	GPUMemoryHours float64 // GiB·h of accelerator memory in use

	// The Serving sums are over the work that answers requests (inference, batch,
	// embedding): what an intensity per request or token is of. Training has
	// another unit of activity.
	ServingRequests     int64
	ServingInputTokens  int64
	ServingOutputTokens int64
	ServingEnergy       KilowattHours // IT energy
	ServingEnergyCost   *USD
	ServingCost         *USD

	// ScoredEnergy is the IT energy of the requests whose model has a task class
	// with a reference intensity; ReferenceEnergy is what those same requests
	// would take at it. Both sums run over the same requests.
	ScoredEnergy    KilowattHours
	ReferenceEnergy KilowattHours

	// LatencySum is the sum of request latencies in milliseconds over
	// LatencyRequests requests that reported one.
	LatencySum      float64
	LatencyRequests int64
}
