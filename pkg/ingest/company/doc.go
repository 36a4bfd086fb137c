// Package company makes the demo company: two years of a retail group's AI, the
// same for the same seed, in which something happens that each dashboard shows.
//
// Norrfold Retail Group is invented, and so are its people, contracts, prices,
// accuracies and demand. Its models are real ones with their true parameter
// counts, the energy of their requests lies around the reference intensities of
// their task classes, and the carbon intensity of its regions is Google's
// (GoogleCloudPlatform/region-carbon-info, Apache-2.0).
//
// The company has four business units with eight teams and twelve projects, and
// twenty models in six regions. A fleet of some 250 GPUs and what it rents use
// about 1 GWh of IT energy a year: more than half of it answers requests, a third
// trains, an eighth is idle, and a little belongs to nobody. The company's own
// hall in Eemshaven sends no bill: what runs there costs its electricity.
//
// # What happens, and where to see it
//
// Months are counted from the month of the company's end.
//
//   - Three months before, personal-ranking of Search & Discovery trains a
//     foundation model on 128 rented GPUs in one week: energy by workload, and
//     training runs.
//   - That week is the only one in which the company spends more than its budget,
//     and Search & Discovery the only unit that ever does: cost against budget.
//   - care-assistant answers customers with Llama-3.3-70B, a model of criticality
//     94 that takes more than four times the reference energy: Immediate Action
//     Required in the efficiency quadrant.
//   - Six months before, product-imagery moves from Singapore to Finland, and its
//     carbon per 1,000 requests falls to a tenth: carbon attribution by project.
//   - Four months before, a release of brand-writer-9b halves its energy per
//     request: Energy Score over time, filtered by the model.
//   - Seven months before, care-assistant retires Mistral-7B for Qwen3-14B; five
//     before, replenishment-planner stages gpt-oss-20b: usage by model.
//   - The hall's PUE improves twice a year: facility energy against IT energy.
//   - The cloud provider's carbon footprint and bill of the months before stand beside
//     ours; by the market they are far apart, as its contracts are not ours:
//     reconciliation.
//   - The A100s of five years ago leave service, and B200s are in their boxes. The
//     supplier of the hall declared the embodied carbon of its H100s: hardware
//     lifecycle.
package company
