// Package gpu reads what NVIDIA GPUs draw, and their health, and keeps the latest
// reading at hand so that nothing that asks ever waits for a driver.
//
// A [Reader] asks the devices, [StartSampler] asks a Reader at a steady pace and adds
// up energy, a [Snapshot] is what it last saw. Whoever shows or stores readings
// takes Snapshots from a [Source], whether they come from a Sampler in this
// process, from a reader process beside it, or from an agent on another machine.
package gpu
