-- +goose Up
-- Requests over their model's latency objective by day, so that a rate of breaches is
-- not counted from the bins of every model; and the tail of facts as a function, which
-- is planned once for all statements of a session.

-- All at once and in the order that refreshes take them, so that neither waits for the
-- other for ever.
LOCK TABLE rollup_state, inference_energy_fact IN ACCESS EXCLUSIVE MODE;

-- Each model's objective as the last bin of a latency histogram that keeps it. One
-- without an objective has the last bin there can be, over which there is nothing.
CREATE VIEW latency_objective AS
SELECT model_id, coalesce(ceil(ln(latency_slo_ms * 1000) / ln(1.01 / 0.99::double precision)), 32767)::smallint AS bin
FROM model;

-- An objective is a model's own and may change: the breaches are of the one that was in
-- force when the facts were rolled up. A model has them on a day where all its requests
-- were judged by one objective and it is still the same; else its bins tell.
CREATE TABLE rollup_breach_day (
    bucket        timestamptz NOT NULL,
    model_id      int NOT NULL,
    objective_bin smallint NOT NULL,
    requests      bigint NOT NULL,
    breaches      bigint NOT NULL,
    PRIMARY KEY (bucket, model_id, objective_bin)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
INSERT INTO rollup_breach_day
SELECT l.bucket, l.model_id, o.bin, sum(l.requests), coalesce(sum(l.requests) FILTER (WHERE l.bin > o.bin), 0)
FROM rollup_latency_model_day l JOIN latency_objective o USING (model_id)
GROUP BY l.bucket, l.model_id, o.bin;

-- +goose StatementBegin
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
           || ' SELECT coalesce(sum(facts), 0)::bigint, max(newest) FROM hour'
    INTO statement
    FROM rollup_family f CROSS JOIN unnest(ARRAY['hour', 'day', 'month']) AS grain;
    EXECUTE statement INTO facts, newest USING first_xid, end_xid, first_ts, last_ts;

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
    DELETE FROM rollup_unrequested_hour WHERE bucket >= since;
    DELETE FROM rollup_unrequested_day WHERE bucket >= since;
    added := add_to_rollups(0, (SELECT next_xid FROM rollup_state), since, 'infinity');
    UPDATE rollup_state SET refreshed_at = clock_timestamp();
    PERFORM refresh_rollups();
    RETURN added.facts;
END
$$;

-- Compares the hours with the facts that are still there, and every other roll-up
-- with the hours, in one snapshot. Grain: one row a bucket and combination that
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

-- The facts of [first, last) that are not rolled up yet, as of the snapshot of the
-- statement that asks: that is what STABLE says. To plan a read of every month's table
-- takes longer than the read; here that is done once a session, and not in each
-- statement.
CREATE FUNCTION fact_tail(first timestamptz, last timestamptz) RETURNS SETOF fact_measure LANGUAGE plpgsql STABLE ROWS 50 AS $$
BEGIN
    RETURN QUERY
        SELECT *
        -- By transaction alone, whose index finds the tail at once: with the time beside it
        -- the planner combines that index with the one of times, which grows with the facts.
        -- The upper bound is no bound: with two, it expects few rows and takes an index at all.
        FROM (SELECT * FROM wattscore.fact_measure
              WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state) AND xid <= (SELECT 9223372036854775807) OFFSET 0) AS waiting
        WHERE ts >= first AND ts < last;
END
$$;

-- The same for a scoped login.
CREATE FUNCTION seen_fact_tail(first timestamptz, last timestamptz) RETURNS SETOF seen_fact_measure LANGUAGE plpgsql STABLE ROWS 50 AS $$
BEGIN
    RETURN QUERY
        SELECT *
        FROM (SELECT * FROM wattscore.seen_fact_measure
              WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state) AND xid <= (SELECT 9223372036854775807) OFFSET 0) AS waiting
        WHERE ts >= first AND ts < last;
END
$$;
-- +goose StatementEnd
