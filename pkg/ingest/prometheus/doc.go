// Package prometheus brings what a Prometheus has scraped into the warehouse: the energy
// of GPUs, hosts and pods, joined with the requests of the model servers on them.
//
//	query API ─▶ samples ─▶ windows ─▶ meters ┐
//	                                 servers ┴▶ ties ─▶ facts ─▶ warehouse
//
// What makes the figures true:
//
//  1. Counters are read sample by sample, never by increase(), which extrapolates. What a
//     window counts is the sum of the differences of the samples that end in it, the
//     first from the last sample before it, so windows add up to the counter.
//  2. A window is written when it is over and settled, as a whole, and once: the
//     warehouse keeps which windows it has. What a window counts depends on the window
//     alone and not on the range that was asked for.
//  3. A GPU is one meter, however many series tell of it (MIG instances, pods that share
//     it, two scrapers). Its energy is cut into parts that add up to it.
//  4. Energy goes to who served with it: by a rule, or by labels that tie the GPU to a
//     model server. What nothing ties is __unallocated__, what served nothing __idle__.
package prometheus
