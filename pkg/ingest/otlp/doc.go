// Package otlp receives OpenTelemetry's traces and metrics and brings what they say of
// calls to models into the warehouse.
//
//	OTLP/gRPC ┐
//	          ├▶ mapping ─▶ queue ─▶ writer ─▶ warehouse
//	OTLP/HTTP ┘                      │
//	                                 └ kinship of spans, steps of metric streams, energy
//
// What makes a call count once, and only when it is stored:
//
//  1. A span is an event whose id is made of its trace and span id; a step of a metric
//     stream is one whose id is made of the stream and the step. Sending either again
//     changes nothing.
//  2. Of calls within calls (a framework, the SDK beneath it, the model server) the
//     innermost that arrives first counts; the others find it in the warehouse.
//  3. A service counts by its spans or by its metrics, never by both.
//  4. Nothing is acknowledged before it is committed. What cannot be committed now is
//     answered as retryable, and nothing waits in memory but what a sender waits for.
//
// Prompts and completions are never read: attributes are asked for by name, and the
// names that hold content are refused in a mapping.
package otlp
