package kpi

// Tokens says which tokens an energy intensity is per. Its values are those of
// the query option tokens. A denominator is always named, because energy per
// output token and per total token differ several-fold on long prompts.
type Tokens string

// The token denominators.
const (
	TokensOutput Tokens = "output"
	TokensInput  Tokens = "input"
	TokensTotal  Tokens = "total" // input and output
)

// Count returns how many of these tokens the work that answers requests used;
// 0 for a name that is none of the constants.
func (t Tokens) Count(m Measures) int64 {
	switch t {
	case TokensOutput:
		return m.ServingOutputTokens
	case TokensInput:
		return m.ServingInputTokens
	case TokensTotal:
		return m.ServingInputTokens + m.ServingOutputTokens
	default:
		return 0
	}
}

// EnergyPer1kRequests is the energy intensity of requests in kWh per 1,000
// requests:
//
//	energy / requests · 1000
//
// The energy is IT energy, and that of the same requests: training energy among
// it would make a model look thirsty in the week it was trained. One kWh per
// 1,000 requests is one Wh per request.
//
// Source: AI Energy Score reports the GPU part of the same ratio, in Wh per 1,000
// queries on a test bench (github.com/huggingface/AIEnergyScore); this one is of
// operation. Refused without requests.
func EnergyPer1kRequests(energy KilowattHours, requests int64) *float64 {
	return per(energy, requests, 1e3)
}

// EnergyPer1MTokens is the energy intensity of tokens in kWh per 1,000,000
// tokens:
//
//	energy / tokens · 1,000,000
//
// Which tokens is for the caller to choose and to name: see Tokens. Source: the
// guide's energy_per_million_tokens. Refused without tokens.
func EnergyPer1MTokens(energy KilowattHours, tokens int64) *float64 {
	return per(energy, tokens, 1e6)
}

func per(energy KilowattHours, count int64, unit float64) *float64 {
	intensity := quotient(energy, float64(count))
	if intensity == nil {
		return nil
	}
	return finite(*intensity * unit)
}
