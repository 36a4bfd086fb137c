-- +goose Up
-- Roll-ups by hour and by day of the company's time zone, at the grain
-- model x project x region x endpoint x workload. Dashboards read these.

CREATE TABLE rollup_hour (
    bucket                 timestamptz NOT NULL,
    model_id               int NOT NULL,
    project_id             int NOT NULL,
    region_id              int NOT NULL,
    endpoint_id            int NOT NULL,
    workload_id            smallint NOT NULL,
    events                 bigint NOT NULL,
    requests               bigint NOT NULL,
    input_tokens           bigint NOT NULL,
    output_tokens          bigint NOT NULL,
    it_energy_nwh          bigint NOT NULL,
    measured_energy_nwh    bigint NOT NULL,
    -- What the sources gave, and the IT energy of the events whose source gave
    -- none: the part that a factor has to price.
    cost_nusd              bigint NOT NULL,
    cost_open_nwh          bigint NOT NULL,
    carbon_location_ug     bigint NOT NULL,
    carbon_location_open_nwh bigint NOT NULL,
    carbon_market_ug       bigint NOT NULL,
    carbon_market_open_nwh bigint NOT NULL,
    gpu_microhours         bigint NOT NULL,
    gpu_memory_microhours  bigint NOT NULL,
    latency_us             numeric NOT NULL,
    latency_requests       bigint NOT NULL,
    PRIMARY KEY (bucket, model_id, project_id, region_id, endpoint_id, workload_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE rollup_day (LIKE rollup_hour INCLUDING ALL)
    WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- Latencies by hour as a log-scale histogram: bin k holds (g^(k-1), g^k] us with
-- g = 1.01/0.99, so that any quantile is within 1 % (DDSketch, VLDB 2019).
-- Bin -1 holds zero.
CREATE TABLE rollup_latency_hour (
    bucket      timestamptz NOT NULL,
    model_id    int NOT NULL,
    project_id  int NOT NULL,
    region_id   int NOT NULL,
    endpoint_id int NOT NULL,
    workload_id smallint NOT NULL,
    bin         smallint NOT NULL,
    requests    bigint NOT NULL,
    PRIMARY KEY (bucket, model_id, project_id, region_id, endpoint_id, workload_id, bin)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

-- One row: every fact of a transaction before next_xid is in the roll-ups, none
-- from next_xid on. Answers add the facts from next_xid on (the tail) in the
-- same statement, so they are exact whenever the last refresh was.
CREATE TABLE rollup_state (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_xid     bigint NOT NULL,
    newest_event timestamptz,
    refreshed_at timestamptz NOT NULL
);
INSERT INTO rollup_state (next_xid, refreshed_at) VALUES (0, now());

-- The facts in the roll-ups' own columns, one row a fact.
CREATE VIEW fact_measure AS
SELECT date_trunc('hour', f.ts, s.time_zone) AS bucket,
       f.ts, f.ingest_xid,
       f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id,
       CASE WHEN f.slice = 0 THEN 1 ELSE 0 END::bigint AS events,
       f.requests, f.input_tokens, f.output_tokens,
       f.it_energy_nwh,
       CASE WHEN f.measured THEN f.it_energy_nwh ELSE 0 END AS measured_energy_nwh,
       coalesce(f.cost_nusd, 0) AS cost_nusd,
       CASE WHEN f.cost_nusd IS NULL THEN f.it_energy_nwh ELSE 0 END AS cost_open_nwh,
       coalesce(f.carbon_location_ug, 0) AS carbon_location_ug,
       CASE WHEN f.carbon_location_ug IS NULL THEN f.it_energy_nwh ELSE 0 END AS carbon_location_open_nwh,
       coalesce(f.carbon_market_ug, 0) AS carbon_market_ug,
       CASE WHEN f.carbon_market_ug IS NULL THEN f.it_energy_nwh ELSE 0 END AS carbon_market_open_nwh,
       f.gpu_microhours, f.gpu_memory_microhours,
       CASE WHEN f.latency_us IS NULL THEN 0 ELSE f.latency_us::numeric * f.requests END AS latency_us,
       CASE WHEN f.latency_us IS NULL THEN 0 ELSE f.requests END AS latency_requests,
       CASE WHEN f.latency_us IS NULL OR f.requests = 0 THEN NULL
            WHEN f.latency_us = 0 THEN -1
            ELSE ceil(ln(f.latency_us::double precision) / ln(1.01 / 0.99::double precision))::smallint END AS latency_bin
FROM inference_energy_fact f CROSS JOIN calendar_setting s;

-- Brings the roll-ups up to the oldest transaction still running. Any number of
-- callers may run it: one works, the others return NULL at once. It advances and
-- adds in one transaction, so wherever it is cut off each fact counts once.
-- +goose StatementBegin
CREATE FUNCTION refresh_rollups() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    first_xid bigint;
    end_xid   bigint;
    rolled_up bigint;
BEGIN
    SELECT next_xid INTO first_xid FROM rollup_state FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Taken after the lock: transactions below are over, whatever became of them.
    end_xid := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

    WITH hour AS MATERIALIZED (
        SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id,
               sum(events)::bigint AS events, sum(requests)::bigint AS requests,
               sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
               sum(it_energy_nwh)::bigint AS it_energy_nwh, sum(measured_energy_nwh)::bigint AS measured_energy_nwh,
               sum(cost_nusd)::bigint AS cost_nusd, sum(cost_open_nwh)::bigint AS cost_open_nwh,
               sum(carbon_location_ug)::bigint AS carbon_location_ug, sum(carbon_location_open_nwh)::bigint AS carbon_location_open_nwh,
               sum(carbon_market_ug)::bigint AS carbon_market_ug, sum(carbon_market_open_nwh)::bigint AS carbon_market_open_nwh,
               sum(gpu_microhours)::bigint AS gpu_microhours, sum(gpu_memory_microhours)::bigint AS gpu_memory_microhours,
               sum(latency_us) AS latency_us, sum(latency_requests)::bigint AS latency_requests,
               max(ts) AS newest_event, count(*) AS facts
        FROM fact_measure
        WHERE ingest_xid >= first_xid AND ingest_xid < end_xid
        GROUP BY bucket, model_id, project_id, region_id, endpoint_id, workload_id
    ), into_hour AS (
        INSERT INTO rollup_hour AS r
        SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id, events, requests, input_tokens, output_tokens,
               it_energy_nwh, measured_energy_nwh, cost_nusd, cost_open_nwh, carbon_location_ug, carbon_location_open_nwh,
               carbon_market_ug, carbon_market_open_nwh, gpu_microhours, gpu_memory_microhours, latency_us, latency_requests
        FROM hour ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (bucket, model_id, project_id, region_id, endpoint_id, workload_id) DO UPDATE SET
            events = r.events + excluded.events, requests = r.requests + excluded.requests,
            input_tokens = r.input_tokens + excluded.input_tokens, output_tokens = r.output_tokens + excluded.output_tokens,
            it_energy_nwh = r.it_energy_nwh + excluded.it_energy_nwh,
            measured_energy_nwh = r.measured_energy_nwh + excluded.measured_energy_nwh,
            cost_nusd = r.cost_nusd + excluded.cost_nusd, cost_open_nwh = r.cost_open_nwh + excluded.cost_open_nwh,
            carbon_location_ug = r.carbon_location_ug + excluded.carbon_location_ug,
            carbon_location_open_nwh = r.carbon_location_open_nwh + excluded.carbon_location_open_nwh,
            carbon_market_ug = r.carbon_market_ug + excluded.carbon_market_ug,
            carbon_market_open_nwh = r.carbon_market_open_nwh + excluded.carbon_market_open_nwh,
            gpu_microhours = r.gpu_microhours + excluded.gpu_microhours,
            gpu_memory_microhours = r.gpu_memory_microhours + excluded.gpu_memory_microhours,
            latency_us = r.latency_us + excluded.latency_us, latency_requests = r.latency_requests + excluded.latency_requests
    ), into_day AS (
        INSERT INTO rollup_day AS r
        SELECT date_trunc('day', bucket, s.time_zone), model_id, project_id, region_id, endpoint_id, workload_id,
               sum(events), sum(requests), sum(input_tokens), sum(output_tokens), sum(it_energy_nwh), sum(measured_energy_nwh),
               sum(cost_nusd), sum(cost_open_nwh), sum(carbon_location_ug), sum(carbon_location_open_nwh),
               sum(carbon_market_ug), sum(carbon_market_open_nwh), sum(gpu_microhours), sum(gpu_memory_microhours),
               sum(latency_us), sum(latency_requests)
        FROM hour CROSS JOIN calendar_setting s
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (bucket, model_id, project_id, region_id, endpoint_id, workload_id) DO UPDATE SET
            events = r.events + excluded.events, requests = r.requests + excluded.requests,
            input_tokens = r.input_tokens + excluded.input_tokens, output_tokens = r.output_tokens + excluded.output_tokens,
            it_energy_nwh = r.it_energy_nwh + excluded.it_energy_nwh,
            measured_energy_nwh = r.measured_energy_nwh + excluded.measured_energy_nwh,
            cost_nusd = r.cost_nusd + excluded.cost_nusd, cost_open_nwh = r.cost_open_nwh + excluded.cost_open_nwh,
            carbon_location_ug = r.carbon_location_ug + excluded.carbon_location_ug,
            carbon_location_open_nwh = r.carbon_location_open_nwh + excluded.carbon_location_open_nwh,
            carbon_market_ug = r.carbon_market_ug + excluded.carbon_market_ug,
            carbon_market_open_nwh = r.carbon_market_open_nwh + excluded.carbon_market_open_nwh,
            gpu_microhours = r.gpu_microhours + excluded.gpu_microhours,
            gpu_memory_microhours = r.gpu_memory_microhours + excluded.gpu_memory_microhours,
            latency_us = r.latency_us + excluded.latency_us, latency_requests = r.latency_requests + excluded.latency_requests
    ), into_latency AS (
        INSERT INTO rollup_latency_hour AS r
        SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id, latency_bin, sum(requests)
        FROM fact_measure
        WHERE ingest_xid >= first_xid AND ingest_xid < end_xid AND latency_bin IS NOT NULL
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
        ON CONFLICT (bucket, model_id, project_id, region_id, endpoint_id, workload_id, bin) DO UPDATE SET
            requests = r.requests + excluded.requests
    )
    UPDATE rollup_state s
       SET next_xid = end_xid,
           newest_event = greatest(s.newest_event, h.newest_event),
           refreshed_at = clock_timestamp()
      FROM (SELECT max(newest_event) AS newest_event, coalesce(sum(facts), 0) AS facts FROM hour) AS h
    RETURNING h.facts INTO rolled_up;
    RETURN rolled_up;
END
$$;

-- Empties the roll-ups and makes them again from the facts that are still there.
CREATE FUNCTION rebuild_rollups() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
BEGIN
    PERFORM 1 FROM rollup_state FOR UPDATE;
    DELETE FROM rollup_hour;
    DELETE FROM rollup_day;
    DELETE FROM rollup_latency_hour;
    UPDATE rollup_state SET next_xid = 0, newest_event = NULL;
    RETURN refresh_rollups();
END
$$;

-- Changes the company's time zone and fiscal year, and with them everything that
-- begins at a local midnight.
CREATE FUNCTION set_calendar(zone text, fiscal_start smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    version int;
    same_zone boolean;
BEGIN
    SELECT time_zone = zone INTO same_zone FROM wattscore.calendar_setting FOR UPDATE;
    UPDATE wattscore.calendar_setting SET time_zone = zone, fiscal_year_start_month = fiscal_start;
    PERFORM wattscore.fill_calendar();
    IF NOT same_zone THEN
        FOR version IN SELECT version_id FROM wattscore.factor_version LOOP
            PERFORM wattscore.fill_factor_periods(version);
        END LOOP;
        PERFORM wattscore.rebuild_rollups();
    END IF;
END
$$;
-- +goose StatementEnd
