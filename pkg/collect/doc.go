// Package collect is the agent on a GPU host: it takes readings from a [gpu.Watcher],
// cuts them into intervals, gives each interval's energy to the projects whose
// processes used the GPU, and brings all that to the warehouse.
//
//	gpu.Watcher ─▶ ledger ─▶ spool (disk) ─▶ deliverer ─▶ warehouse
//
// What makes the warehouse's sums equal the devices' meters, to the last nWh:
//
//  1. The ledger only reads meters that rise. An interval's energy is the difference of
//     two readings, so an interval that is not cut is not lost: the next is longer.
//  2. A record of the spool holds what was cut and the state after it. It is on the disk
//     before the state in memory moves on, so whoever opens the spool after a kill goes
//     on exactly where the last record ends.
//  3. Samples and facts have identities made of their content, and writing them again
//     changes nothing. A record stays in the spool until the warehouse has it.
//  4. A record that was sent once is never rewritten, because whether it was stored
//     cannot be known.
package collect
