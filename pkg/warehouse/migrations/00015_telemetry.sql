-- +goose Up
-- What the OpenTelemetry receiver has to remember so that a request which is told of
-- several times counts once: across batches, restarts and several receivers.

-- Spans that were counted as requests, and spans above and below them. A call that a
-- framework and the SDK beneath it both report is one request: the second of the two
-- finds the first here.
CREATE TABLE telemetry_span (
    span    uuid PRIMARY KEY, -- made of trace id and span id, as the event's id is
    -- 1: counted; 2: it or a span above it is counted; 4: a span below it is counted.
    kinship smallint NOT NULL CHECK (kinship BETWEEN 1 AND 7),
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX telemetry_span_seen ON telemetry_span USING brin (seen_at) WITH (pages_per_range = 32, autosummarize = on);

-- The last reading of each cumulative metric stream. What is counted of the next
-- reading is what it has more.
CREATE TABLE telemetry_stream (
    stream  uuid PRIMARY KEY, -- made of resource, scope, metric, attributes and start time
    at_ns   bigint NOT NULL,  -- time of the reading, Unix ns
    reading jsonb NOT NULL,   -- count, sum and buckets, since the stream's start
    seen_at timestamptz NOT NULL DEFAULT now()
);

GRANT INSERT, UPDATE, DELETE ON telemetry_span, telemetry_stream TO wattscore_writer;
