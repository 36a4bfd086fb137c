-- +goose Up
-- What each run took, by day: a run's events may be of any time, so to look for them in
-- the facts takes a look into the table of every month, and those of a month that was
-- dropped are not found at all.

-- In the order that refreshes take them, so that neither waits for the other for ever.
LOCK TABLE inference_energy_fact, rollup_state, fact_removal IN ACCESS EXCLUSIVE MODE;

-- A run's name is a part of keys, which hold no more than 2.7 kB in all. Importers let no
-- longer one through.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM inference_energy_fact WHERE run_id IS NOT NULL AND octet_length(run_id) > 500
               UNION ALL SELECT FROM fact_removal WHERE run_id IS NOT NULL AND octet_length(run_id) > 500) THEN
        RAISE EXCEPTION 'there are facts whose run_id is longer than 500 bytes'
            USING ERRCODE = 'check_violation', HINT = 'Shorten them through the view wattscore.event, and migrate again.';
    END IF;
END
$$;
-- +goose StatementEnd
ALTER TABLE inference_energy_fact ADD CONSTRAINT inference_energy_fact_run_id CHECK (octet_length(run_id) <= 500) NOT VALID;

-- The facts in the roll-ups' own columns, to be added up: grain one row a fact that
-- is there, and two of opposite sign for one that was taken out, which came with one
-- transaction and went with another.
CREATE OR REPLACE VIEW fact_measure AS
SELECT date_trunc('hour', f.ts, (SELECT time_zone FROM calendar_setting)) AS bucket,
       f.ts, f.xid, f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id,
       CASE WHEN f.slice = 0 THEN f.sign ELSE 0 END AS events,
       f.sign * f.requests AS requests, f.sign * f.input_tokens AS input_tokens, f.sign * f.output_tokens AS output_tokens,
       f.sign * f.it_energy_nwh AS it_energy_nwh,
       CASE WHEN f.measured THEN f.sign * f.it_energy_nwh ELSE 0 END AS measured_energy_nwh,
       f.sign * coalesce(f.cost_nusd, 0) AS cost_nusd,
       CASE WHEN f.cost_nusd IS NULL THEN f.sign * f.it_energy_nwh ELSE 0 END AS cost_open_nwh,
       f.sign * coalesce(f.carbon_location_ug, 0) AS carbon_location_ug,
       CASE WHEN f.carbon_location_ug IS NULL THEN f.sign * f.it_energy_nwh ELSE 0 END AS carbon_location_open_nwh,
       f.sign * coalesce(f.carbon_market_ug, 0) AS carbon_market_ug,
       CASE WHEN f.carbon_market_ug IS NULL THEN f.sign * f.it_energy_nwh ELSE 0 END AS carbon_market_open_nwh,
       f.sign * f.gpu_microhours AS gpu_microhours, f.sign * f.gpu_memory_microhours AS gpu_memory_microhours,
       CASE WHEN f.latency_us IS NULL THEN 0 ELSE f.latency_us::numeric * f.sign * f.requests END AS latency_us,
       CASE WHEN f.latency_us IS NULL THEN 0 ELSE f.sign * f.requests END AS latency_requests,
       CASE WHEN f.latency_us IS NULL OR f.requests = 0 THEN NULL
            WHEN f.latency_us = 0 THEN -1
            ELSE ceil(ln(f.latency_us::double precision) / ln(1.01 / 0.99::double precision))::smallint END AS latency_bin,
       f.run_id, f.sign AS facts
FROM (
    SELECT 1::bigint AS sign, ingest_xid AS xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours, run_id
    FROM inference_energy_fact
    UNION ALL
    SELECT 1, ingest_xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours, run_id
    FROM fact_removal
    UNION ALL
    SELECT -1, removed_xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours, run_id
    FROM fact_removal
) AS f;

-- Views for scoped logins are made of the others, as in migration 16.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW wattscore.seen_fact_measure WITH (security_barrier = true) AS '
            || regexp_replace(regexp_replace(pg_get_viewdef('wattscore.fact_measure'::regclass),
                   '\minference_energy_fact\M', 'seen_inference_energy_fact', 'g'), '\mfact_removal\M', 'seen_fact_removal', 'g');
END
$$;
-- +goose StatementEnd
SELECT read_views_as_who_asks(); -- a view that is replaced forgets it

-- The measures of a run on each day of the company's time zone, by the grain of the
-- other roll-ups. Requests are answered by no run: facts that do are not in it.
CREATE TABLE rollup_run_day (
    run_id text NOT NULL,
    LIKE rollup_day,
    facts  bigint NOT NULL, -- that there are; 0: all were taken out again
    PRIMARY KEY (run_id, bucket, model_id, project_id, region_id, endpoint_id, workload_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX rollup_run_day_bucket ON rollup_run_day (bucket);

-- What the days of a run do not say and its facts would: how it began, of each run with
-- facts that were dropped.
CREATE TABLE dropped_run (
    run_id      text PRIMARY KEY,
    first_event timestamptz NOT NULL,
    model_id    int NOT NULL, -- of the first event
    project_id  int NOT NULL,
    last_event  timestamptz NOT NULL -- of those that were dropped
);

ALTER TABLE rollup_run_day ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON rollup_run_day USING (true);
CREATE POLICY scope ON rollup_run_day AS RESTRICTIVE FOR SELECT TO wattscore_scoped USING (project_id = ANY ((SELECT wattscore.scope_projects())::int[]));
ALTER TABLE dropped_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON dropped_run USING (true);
CREATE POLICY scope ON dropped_run AS RESTRICTIVE FOR SELECT TO wattscore_scoped USING (project_id = ANY ((SELECT wattscore.scope_projects())::int[]));
GRANT SELECT ON rollup_run_day, dropped_run TO wattscore_scoped;

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE format('INSERT INTO wattscore.rollup_run_day
        SELECT run_id, date_trunc(''day'', bucket, (SELECT time_zone FROM wattscore.calendar_setting)) AS b, %1$s, %2$s, sum(facts)
        FROM wattscore.fact_measure
        WHERE xid < (SELECT next_xid FROM wattscore.rollup_state) AND run_id IS NOT NULL
          AND workload_id IN (SELECT workload_id FROM wattscore.workload WHERE NOT serves_requests)
        GROUP BY run_id, b, %1$s',
        (SELECT keys FROM wattscore.rollup_family WHERE name = 'rollup'), wattscore.each_measure('sum(%1$I)'));
END
$$;

-- Adds the facts of the transactions [first_xid, end_xid) whose events lie in
-- [first_ts, last_ts) to every roll-up, and returns how many there were and the
-- newest of them.
CREATE OR REPLACE FUNCTION add_to_rollups(first_xid bigint, end_xid bigint, first_ts timestamptz, last_ts timestamptz,
                               OUT facts bigint, OUT newest timestamptz)
LANGUAGE plpgsql SET search_path = wattscore, pg_temp SET jit = off AS $$
DECLARE
    all_keys CONSTANT text := (SELECT f.keys FROM rollup_family f WHERE f.name = 'rollup');
    chosen   CONSTANT text := 'FROM fact_measure WHERE xid >= $1 AND xid < $2 AND ts >= $3 AND ts < $4';
    addition CONSTANT text := each_measure('%1$I = r.%1$I + excluded.%1$I');
    sums     CONSTANT text := each_measure('sum(%1$I) AS %1$I');
    -- One statement: the hours of the facts, and from them an insertion a roll-up.
    statement text;
    runs      boolean;
BEGIN
    SELECT format('WITH hour AS MATERIALIZED (SELECT bucket, %s, %s, max(ts) AS newest, count(*) AS facts %s GROUP BY bucket, %1$s), ', all_keys, sums, chosen)
           || string_agg(format('into_%1$s_%2$s AS (
                  INSERT INTO %1$s_%2$s AS r
                  SELECT date_trunc(%2$L, bucket, (SELECT time_zone FROM calendar_setting)) AS b, %3$s, %4$s
                  FROM hour GROUP BY b, %3$s ORDER BY b, %3$s
                  ON CONFLICT (bucket, %3$s) DO UPDATE SET %5$s
                  RETURNING bucket, %3$s, requests)', f.name, grain, f.keys, sums, addition), ', ')
           || (SELECT string_agg(format(', without_requests_%1$s AS (
                  INSERT INTO rollup_unrequested_%1$s SELECT bucket, %2$s FROM into_rollup_%1$s WHERE requests = 0 ON CONFLICT DO NOTHING
               ), with_requests_%1$s AS (
                  DELETE FROM rollup_unrequested_%1$s WHERE (bucket, %2$s) IN (SELECT bucket, %2$s FROM into_rollup_%1$s WHERE requests <> 0))', g, all_keys), '')
               FROM unnest(ARRAY['hour', 'day']) AS g)
           || ' SELECT coalesce(sum(facts), 0)::bigint, max(newest), bool_or(workload_id IN (SELECT workload_id FROM workload WHERE NOT serves_requests)) FROM hour'
    INTO statement
    FROM rollup_family f CROSS JOIN unnest(ARRAY['hour', 'day', 'month']) AS grain;
    EXECUTE statement INTO facts, newest, runs USING first_xid, end_xid, first_ts, last_ts;

    IF facts > 0 THEN
        EXECUTE format('WITH hour AS MATERIALIZED (
                SELECT bucket, %1$s, latency_bin AS bin, sum(latency_requests) AS requests %2$s AND latency_bin IS NOT NULL GROUP BY bucket, %1$s, bin
            ), into_day AS (
                INSERT INTO rollup_latency_model_day AS r
                SELECT date_trunc(''day'', bucket, (SELECT time_zone FROM calendar_setting)) AS b, model_id, bin, sum(requests)
                FROM hour GROUP BY b, model_id, bin ORDER BY b, model_id, bin
                ON CONFLICT (bucket, model_id, bin) DO UPDATE SET requests = r.requests + excluded.requests
            ), into_company_day AS (
                INSERT INTO rollup_latency_day AS r
                SELECT date_trunc(''day'', bucket, (SELECT time_zone FROM calendar_setting)) AS b, bin, sum(requests)
                FROM hour GROUP BY b, bin ORDER BY b, bin
                ON CONFLICT (bucket, bin) DO UPDATE SET requests = r.requests + excluded.requests
            ), into_breaches AS (
                INSERT INTO rollup_breach_day AS r
                SELECT date_trunc(''day'', bucket, (SELECT time_zone FROM calendar_setting)) AS b, model_id, o.bin,
                       sum(requests), coalesce(sum(requests) FILTER (WHERE hour.bin > o.bin), 0)
                FROM hour JOIN latency_objective o USING (model_id) GROUP BY b, model_id, o.bin ORDER BY b, model_id, o.bin
                ON CONFLICT (bucket, model_id, objective_bin) DO UPDATE SET requests = r.requests + excluded.requests, breaches = r.breaches + excluded.breaches
            )
            INSERT INTO rollup_latency_hour AS r
            SELECT bucket, %1$s, bin, requests FROM hour ORDER BY bucket, %1$s, bin
            ON CONFLICT (bucket, %1$s, bin) DO UPDATE SET requests = r.requests + excluded.requests', all_keys, chosen)
        USING first_xid, end_xid, first_ts, last_ts;
    END IF;
    IF runs THEN -- most facts are requests, of which no run is made
        EXECUTE format('INSERT INTO rollup_run_day AS r
            SELECT run_id, date_trunc(''day'', bucket, (SELECT time_zone FROM calendar_setting)) AS b, %1$s, %2$s, sum(facts)
            %3$s AND run_id IS NOT NULL AND workload_id IN (SELECT workload_id FROM workload WHERE NOT serves_requests)
            GROUP BY run_id, b, %1$s ORDER BY run_id, b, %1$s
            ON CONFLICT (run_id, bucket, %1$s) DO UPDATE SET %4$s, facts = r.facts + excluded.facts', all_keys, sums, chosen, addition)
        USING first_xid, end_xid, first_ts, last_ts;
    END IF;
END
$$;

-- Makes the roll-ups again from the facts that are still there; those of dropped
-- facts stay. Returns the number of facts.
CREATE OR REPLACE FUNCTION rebuild_rollups() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    since  timestamptz;
    rollup text;
    added  record;
BEGIN
    LOCK TABLE ONLY inference_energy_fact IN SHARE UPDATE EXCLUSIVE MODE; -- no month is made meanwhile
    PERFORM FROM rollup_state FOR UPDATE;
    IF was_restored() THEN
        PERFORM adopt_restored_warehouse();
    END IF;
    since := facts_complete_from();
    FOR rollup IN SELECT f.name || '_' || grain FROM rollup_family f CROSS JOIN unnest(ARRAY['hour', 'day', 'month']) AS grain LOOP
        EXECUTE format('DELETE FROM %I WHERE bucket >= $1', rollup) USING since;
    END LOOP;
    DELETE FROM rollup_latency_hour WHERE bucket >= since;
    DELETE FROM rollup_latency_model_day WHERE bucket >= since;
    DELETE FROM rollup_latency_day WHERE bucket >= since;
    DELETE FROM rollup_breach_day WHERE bucket >= since;
    DELETE FROM rollup_run_day WHERE bucket >= since;
    DELETE FROM rollup_unrequested_hour WHERE bucket >= since;
    DELETE FROM rollup_unrequested_day WHERE bucket >= since;
    added := add_to_rollups(0, (SELECT next_xid FROM rollup_state), since, 'infinity');
    UPDATE rollup_state SET refreshed_at = clock_timestamp();
    PERFORM refresh_rollups();
    RETURN added.facts;
END
$$;

-- Compares the hours and the days of runs with the facts that are still there, and
-- every other roll-up with the hours, in one snapshot. Grain: one row a bucket and combination that
-- differs, with each measure's roll-up less what it should be. No row: they are
-- equal to the last bit.
CREATE OR REPLACE FUNCTION verify_rollups()
RETURNS TABLE (rollup text, bucket timestamptz, model_id int, project_id int, region_id int, endpoint_id int, workload_id smallint, excess jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    all_keys CONSTANT text := (SELECT f.keys FROM rollup_family f WHERE f.name = 'rollup');
    since    CONSTANT timestamptz := facts_complete_from();
    family   rollup_family;
    grain    text;
    shown    text;
BEGIN
    FOR family IN SELECT * FROM rollup_family f ORDER BY f.name LOOP
        -- A key the roll-up does not have is NULL.
        SELECT string_agg(CASE WHEN key = ANY (string_to_array(family.keys, ', ')) THEN key ELSE 'NULL::int' END, ', ' ORDER BY place)
        INTO shown
        FROM unnest(string_to_array(all_keys, ', ')) WITH ORDINALITY AS k (key, place);
        FOREACH grain IN ARRAY ARRAY['hour', 'day', 'month'] LOOP
            RETURN QUERY EXECUTE format('
                SELECT %1$L::text, bucket, %2$s, jsonb_strip_nulls(jsonb_build_object(%3$s))
                FROM (SELECT bucket, %4$s, %5$s FROM %1$I WHERE bucket >= $1
                      UNION ALL
                      SELECT date_trunc(%6$L, bucket, (SELECT time_zone FROM calendar_setting)), %4$s, %7$s FROM %8$s) AS both_sides
                GROUP BY bucket, %4$s
                HAVING %9$s',
                family.name || '_' || grain, shown, each_measure('%1$L, nullif(sum(%1$I), 0)'), family.keys, each_measure('%1$I'), grain,
                each_measure('-%1$I'),
                CASE WHEN family.name = 'rollup' AND grain = 'hour'
                     THEN 'fact_measure WHERE xid < (SELECT next_xid FROM rollup_state) AND ts >= $1'
                     ELSE 'rollup_hour WHERE bucket >= $1' END,
                each_measure('sum(%1$I) <> 0', ' OR ')) USING since;
        END LOOP;
    END LOOP;
    RETURN QUERY EXECUTE format('
        SELECT ''rollup_latency_hour''::text, bucket, %1$s, jsonb_object_agg(bin, excess ORDER BY bin)
        FROM (SELECT bucket, %1$s, bin, sum(requests) AS excess
              FROM (SELECT bucket, %1$s, bin, requests FROM rollup_latency_hour WHERE bucket >= $1
                    UNION ALL
                    SELECT bucket, %1$s, latency_bin, -latency_requests FROM fact_measure
                    WHERE xid < (SELECT next_xid FROM rollup_state) AND ts >= $1 AND latency_bin IS NOT NULL) AS both_sides
              GROUP BY bucket, %1$s, bin
              HAVING sum(requests) <> 0) AS differing
        GROUP BY bucket, %1$s', all_keys) USING since;
    RETURN QUERY
        SELECT 'rollup_latency_model_day'::text, bucket, model_id, NULL::int, NULL::int, NULL::int, NULL::smallint, jsonb_object_agg(bin, excess ORDER BY bin)
        FROM (SELECT bucket, model_id, bin, sum(requests) AS excess
              FROM (SELECT bucket, model_id, bin, requests FROM rollup_latency_model_day WHERE bucket >= since
                    UNION ALL
                    SELECT date_trunc('day', bucket, (SELECT time_zone FROM calendar_setting)), model_id, bin, -requests
                    FROM rollup_latency_hour WHERE bucket >= since) AS both_sides
              GROUP BY bucket, model_id, bin
              HAVING sum(requests) <> 0) AS differing
        GROUP BY bucket, model_id;
    RETURN QUERY
        SELECT 'rollup_latency_day'::text, bucket, NULL::int, NULL::int, NULL::int, NULL::int, NULL::smallint, jsonb_object_agg(bin, excess ORDER BY bin)
        FROM (SELECT bucket, bin, sum(requests) AS excess
              FROM (SELECT bucket, bin, requests FROM rollup_latency_day WHERE bucket >= since
                    UNION ALL
                    SELECT bucket, bin, -requests FROM rollup_latency_model_day WHERE bucket >= since) AS both_sides
              GROUP BY bucket, bin
              HAVING sum(requests) <> 0) AS differing
        GROUP BY bucket;
    -- The breaches can be told from the bins where one objective was in force throughout.
    RETURN QUERY
        SELECT 'rollup_breach_day'::text, bucket, model_id, NULL::int, NULL::int, NULL::int, NULL::smallint,
               jsonb_strip_nulls(jsonb_build_object('requests', coalesce(b.requests, 0) - coalesce(l.requests, 0), 'breaches', b.breaches - l.breaches))
        FROM (SELECT bucket, model_id, sum(requests) AS requests,
                     CASE WHEN count(*) = 1 THEN min(objective_bin) END AS objective_bin, CASE WHEN count(*) = 1 THEN min(breaches) END AS breaches
              FROM rollup_breach_day WHERE bucket >= since GROUP BY bucket, model_id) AS b
        FULL JOIN (SELECT l.bucket, l.model_id, sum(l.requests) AS requests, coalesce(sum(l.requests) FILTER (WHERE l.bin > o.objective_bin), 0) AS breaches
                   FROM rollup_latency_model_day l
                   LEFT JOIN (SELECT bucket, model_id, min(objective_bin) AS objective_bin
                              FROM rollup_breach_day GROUP BY bucket, model_id HAVING count(*) = 1) AS o USING (bucket, model_id)
                   WHERE l.bucket >= since GROUP BY l.bucket, l.model_id) AS l USING (bucket, model_id)
        WHERE coalesce(b.requests, 0) <> coalesce(l.requests, 0) OR b.breaches <> l.breaches;
    RETURN QUERY EXECUTE format('
        SELECT ''rollup_run_day''::text, bucket, %1$s, jsonb_strip_nulls(jsonb_build_object(%2$s, run_id || '' facts'', nullif(sum(facts), 0)))
        FROM (SELECT run_id, bucket, %1$s, %3$s, facts FROM rollup_run_day WHERE bucket >= $1
              UNION ALL
              SELECT run_id, date_trunc(''day'', bucket, (SELECT time_zone FROM calendar_setting)), %1$s, %4$s, -facts FROM fact_measure
              WHERE xid < (SELECT next_xid FROM rollup_state) AND ts >= $1 AND run_id IS NOT NULL
                AND workload_id IN (SELECT workload_id FROM workload WHERE NOT serves_requests)) AS both_sides
        GROUP BY run_id, bucket, %1$s
        HAVING %5$s OR sum(facts) <> 0',
        all_keys, each_measure('run_id || '' %1$s'', nullif(sum(%1$I), 0)'), each_measure('%1$I'), each_measure('-%1$I'),
        each_measure('sum(%1$I) <> 0', ' OR ')) USING since;
    FOREACH grain IN ARRAY ARRAY['hour', 'day'] LOOP
        RETURN QUERY EXECUTE format('
            SELECT %1$L::text, bucket, %2$s, jsonb_build_object(''combinations'', sum(n))
            FROM (SELECT bucket, %2$s, 1 AS n FROM rollup_unrequested_%3$s WHERE bucket >= $1
                  UNION ALL
                  SELECT bucket, %2$s, -1 FROM rollup_%3$s WHERE requests = 0 AND bucket >= $1) AS both_sides
            GROUP BY bucket, %2$s
            HAVING sum(n) <> 0', 'rollup_unrequested_' || grain, all_keys, grain) USING since;
    END LOOP;
END
$$;

-- Drops the months of facts and GPU samples that end by a time, the oldest first, and
-- keeps their roll-ups and how their runs began. A month that is not rolled up yet stays. Returns the tables dropped.
CREATE OR REPLACE FUNCTION drop_facts_before(cutoff timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
    child      record;
    rolled_up  bigint;
    has_waiting boolean;
BEGIN
    -- In the order that questions take them: a panel waits for ten seconds at most.
    LOCK TABLE ONLY inference_energy_fact, ONLY gpu_sample IN ACCESS EXCLUSIVE MODE;
    SELECT next_xid INTO rolled_up FROM rollup_state FOR UPDATE;
    FOR child IN
        SELECT c.relname, p.relname AS parent,
               (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' AS ends_at
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent
        WHERE i.inhparent IN ('inference_energy_fact'::regclass, 'gpu_sample'::regclass)
        ORDER BY p.relname, c.relname
    LOOP
        CONTINUE WHEN child.ends_at > cutoff;
        IF child.parent = 'inference_energy_fact' THEN
            -- Nobody may write to it between the look and the drop.
            EXECUTE format('LOCK TABLE wattscore.%I IN ACCESS EXCLUSIVE MODE', child.relname);
            EXECUTE format('SELECT EXISTS (SELECT FROM wattscore.%I WHERE ingest_xid >= $1)', child.relname) INTO has_waiting USING rolled_up;
            CONTINUE WHEN has_waiting;
            UPDATE rollup_state SET facts_from = greatest(facts_from, child.ends_at);
            EXECUTE format('INSERT INTO dropped_run AS d
                SELECT DISTINCT ON (run_id) run_id, ts, model_id, project_id, max(ts) OVER (PARTITION BY run_id)
                FROM wattscore.%I WHERE run_id IS NOT NULL AND workload_id IN (SELECT workload_id FROM workload WHERE NOT serves_requests)
                ORDER BY run_id, ts, model_id, project_id
                ON CONFLICT (run_id) DO UPDATE SET last_event = excluded.last_event', child.relname);
        END IF;
        EXECUTE format('DROP TABLE wattscore.%I', child.relname);
        RETURN NEXT child.relname;
    END LOOP;
    -- What was taken out of those months is in the roll-ups, once added and once subtracted.
    DELETE FROM fact_removal
    WHERE ts < (SELECT facts_from FROM rollup_state) AND removed_xid < rolled_up AND ingest_xid < rolled_up;
END
$$;
-- +goose StatementEnd
