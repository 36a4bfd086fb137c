-- +goose Up
-- The facts, one row an event (a model call, a batch, an hour of a training
-- run), by month of the event. Measures are integers, so that they add up bit
-- for bit in any order: nWh, ug CO2e, nano-USD, us, and millionths of an hour.

CREATE TABLE inference_energy_fact (
    event_id             uuid NOT NULL,
    ts                   timestamptz NOT NULL,
    model_id             int NOT NULL REFERENCES model,
    project_id           int NOT NULL REFERENCES project,
    region_id            int NOT NULL REFERENCES region,
    endpoint_id          int NOT NULL REFERENCES endpoint,
    workload_id          smallint NOT NULL REFERENCES workload,
    -- An event longer than an hour is stored as one row an hour; only the first
    -- counts as an event.
    slice                int NOT NULL DEFAULT 0 CHECK (slice >= 0),
    measured             boolean NOT NULL,
    requests             bigint NOT NULL CHECK (requests >= 0),
    input_tokens         bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens        bigint NOT NULL CHECK (output_tokens >= 0),
    it_energy_nwh        bigint NOT NULL CHECK (it_energy_nwh >= 0),
    -- NULL where the source gave none: then it is derived with the factor valid
    -- at the event's own time.
    cost_nusd            bigint CHECK (cost_nusd >= 0),
    carbon_location_ug   bigint CHECK (carbon_location_ug >= 0),
    carbon_market_ug     bigint CHECK (carbon_market_ug >= 0),
    latency_us           bigint CHECK (latency_us >= 0),
    gpu_microhours       bigint NOT NULL DEFAULT 0 CHECK (gpu_microhours >= 0),
    gpu_memory_microhours bigint NOT NULL DEFAULT 0 CHECK (gpu_memory_microhours >= 0),
    run_id               text,
    source               text NOT NULL,
    -- The transaction that wrote the row. Roll-ups advance over finished
    -- transactions only, so no row is ever missed or counted twice. Writers may
    -- not set it: they have no privilege on this column.
    ingest_xid           bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    PRIMARY KEY (event_id, ts)
) PARTITION BY RANGE (ts);

CREATE INDEX inference_energy_fact_ingest_xid ON inference_energy_fact
    USING brin (ingest_xid) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX inference_energy_fact_ts ON inference_energy_fact
    USING brin (ts) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX inference_energy_fact_run ON inference_energy_fact (run_id, ts) WHERE run_id IS NOT NULL;

CREATE TABLE gpu_sample (
    ts                 timestamptz NOT NULL,
    gpu_uuid           text NOT NULL,
    host               text NOT NULL,
    gpu_name           text NOT NULL,
    power_mw           bigint CHECK (power_mw >= 0),
    energy_counter_mj  bigint CHECK (energy_counter_mj >= 0),
    energy_nwh         bigint CHECK (energy_nwh >= 0),
    utilization        real CHECK (utilization BETWEEN 0 AND 1),
    memory_used_bytes  bigint CHECK (memory_used_bytes >= 0),
    memory_total_bytes bigint CHECK (memory_total_bytes >= 0),
    temperature_c      real,
    -- How the energy was had: the device's own counter, or power over time.
    method             text NOT NULL CHECK (method IN ('counter', 'integrated')),
    PRIMARY KEY (gpu_uuid, ts)
) PARTITION BY RANGE (ts);

-- Creates the monthly partitions (UTC months) that cover [first, last], and is
-- safe to call from several writers at once.
-- +goose StatementBegin
CREATE FUNCTION ensure_partitions(first timestamptz, last timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    created int := 0;
    starts  timestamp;
    parent  text;
    child   text;
BEGIN
    IF first < '2015-01-01Z' OR last >= '2046-01-01Z' THEN
        RAISE EXCEPTION 'no partition for events from % to %', first, last
            USING ERRCODE = 'datetime_field_overflow', HINT = 'Events lie between 2015 and 2045.';
    END IF;
    FOREACH parent IN ARRAY ARRAY['inference_energy_fact', 'gpu_sample'] LOOP
        FOR starts IN SELECT generate_series(date_trunc('month', first AT TIME ZONE 'UTC'),
                                             date_trunc('month', last AT TIME ZONE 'UTC'), '1 month') LOOP
            child := format('%s_%s', parent, to_char(starts, 'YYYY_MM'));
            IF to_regclass(format('wattscore.%I', child)) IS NULL THEN
                PERFORM pg_advisory_xact_lock(hashtext('wattscore.ensure_partitions'));
                IF to_regclass(format('wattscore.%I', child)) IS NULL THEN
                    EXECUTE format('CREATE TABLE wattscore.%I PARTITION OF wattscore.%I FOR VALUES FROM (%L) TO (%L)',
                                   child, parent, starts AT TIME ZONE 'UTC', (starts + '1 month'::interval) AT TIME ZONE 'UTC');
                    created := created + 1;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;
-- +goose StatementEnd

SELECT ensure_partitions(now(), now() + '3 months');
