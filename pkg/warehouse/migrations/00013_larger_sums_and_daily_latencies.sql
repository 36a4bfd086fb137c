-- +goose Up
-- Sums that outgrow a bigint; latencies of the whole company by day; what answered no
-- request, so that a score needs no roll-up by all keys; and faults of the life of the
-- data mended.

-- All at once and in the order that refreshes take them, so that neither waits for the
-- other for ever.
LOCK TABLE rollup_state, inference_energy_fact IN ACCESS EXCLUSIVE MODE;

-- A bigint holds 9.2 GWh or 9.2 Mt: enough for a day at 384 MW, not for a month at
-- 13 MW.
-- +goose StatementBegin
DO $$
DECLARE
    rollup text;
BEGIN
    FOREACH rollup IN ARRAY ARRAY['rollup_month', 'rollup_model_month', 'rollup_site_month'] LOOP
        EXECUTE format('ALTER TABLE %I %s', rollup, each_measure('ALTER %1$I TYPE numeric'));
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Percentiles of a long range need no models, and there are far fewer bins than
-- models and bins.
CREATE TABLE rollup_latency_day (
    bucket   timestamptz NOT NULL,
    bin      smallint NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (bucket, bin)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
INSERT INTO rollup_latency_day SELECT bucket, bin, sum(requests) FROM rollup_latency_model_day GROUP BY bucket, bin;

-- The combinations that answered no request in an hour or a day, though they may have
-- used energy: there are few, and a score leaves them out. An index on the roll-ups
-- themselves would cost every refresh its HOT updates.
CREATE TABLE rollup_unrequested_hour (
    bucket timestamptz NOT NULL, model_id int NOT NULL, project_id int NOT NULL, region_id int NOT NULL, endpoint_id int NOT NULL, workload_id smallint NOT NULL,
    PRIMARY KEY (bucket, model_id, project_id, region_id, endpoint_id, workload_id)
);
CREATE TABLE rollup_unrequested_day (LIKE rollup_unrequested_hour INCLUDING INDEXES);
INSERT INTO rollup_unrequested_hour SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id FROM rollup_hour WHERE requests = 0;
INSERT INTO rollup_unrequested_day SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id FROM rollup_day WHERE requests = 0;

-- +goose StatementBegin
-- The id of the running transaction, as facts carry it.
CREATE FUNCTION current_ingest_xid() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
    SELECT pg_current_xact_id()::text::bigint + xid_offset FROM rollup_state
$$;

-- A corrected fact comes with the transaction that corrects it.
CREATE FUNCTION stamp_corrected_fact() RETURNS trigger LANGUAGE plpgsql SET search_path = wattscore, pg_temp AS $$
BEGIN
    NEW.ingest_xid := current_ingest_xid();
    RETURN NEW;
END
$$;
DROP TRIGGER stamp_corrected_fact ON inference_energy_fact;
CREATE TRIGGER stamp_corrected_fact BEFORE UPDATE ON inference_energy_fact FOR EACH ROW EXECUTE FUNCTION stamp_corrected_fact();

-- Keeps a fact that is deleted or corrected, as it was.
CREATE OR REPLACE FUNCTION keep_removed_fact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
BEGIN
    INSERT INTO fact_removal SELECT OLD.*, current_ingest_xid(), clock_timestamp(), session_user;
    RETURN NULL;
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
-- +goose StatementEnd

-- +goose StatementBegin
-- Whether the warehouse runs on a server whose transaction ids it does not know:
-- another one, or a copy of the same one that went its own way.
CREATE OR REPLACE FUNCTION was_restored() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
    SELECT s.system_identifier <> c.system_identifier
           OR s.next_xid > pg_snapshot_xmax(pg_current_snapshot())::text::bigint + s.xid_offset
    FROM rollup_state s, pg_control_system() c
$$;

-- Brings the roll-ups up to the oldest transaction still running. Any number of
-- callers may run it: one works, the others return NULL at once. It advances and
-- adds in one transaction, so wherever it is cut off each fact counts once.
CREATE OR REPLACE FUNCTION refresh_rollups() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    state   rollup_state;
    end_xid bigint;
    added   record;
BEGIN
    -- Nothing to do is nothing written: a transaction that has an id would make every
    -- kept answer be asked for anew.
    IF NOT was_restored() AND NOT EXISTS (SELECT FROM fact_measure WHERE xid >= (SELECT next_xid FROM rollup_state) AND xid <= (SELECT 9223372036854775807)) THEN
        RETURN 0;
    END IF;
    SELECT * INTO state FROM rollup_state FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF was_restored() THEN
        PERFORM adopt_restored_warehouse();
        SELECT * INTO state FROM rollup_state;
    END IF;
    -- Taken after the lock: transactions below are over, whatever became of them.
    end_xid := pg_snapshot_xmin(pg_current_snapshot())::text::bigint + state.xid_offset;
    IF end_xid < state.next_xid THEN
        RAISE EXCEPTION 'the roll-ups reach to transaction % and this server is only at %', state.next_xid, end_xid
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run: wattctl rollup rebuild.';
    END IF;
    added := add_to_rollups(state.next_xid, end_xid, '-infinity', 'infinity');
    UPDATE rollup_state
       SET next_xid = end_xid, newest_event = greatest(newest_event, added.newest), refreshed_at = clock_timestamp();
    IF EXISTS (SELECT FROM fact_removal WHERE removed_xid >= state.next_xid AND removed_xid < end_xid AND ts >= greatest(state.newest_event, added.newest)) THEN
        UPDATE rollup_state
           -- Where the facts of the last hour were dropped, the hour itself.
           SET newest_event = coalesce((SELECT max(ts) FROM inference_energy_fact
                                        WHERE ts >= (SELECT max(bucket) FROM rollup_hour WHERE events > 0) AND ingest_xid < end_xid),
                                       (SELECT max(bucket) FROM rollup_hour WHERE events > 0));
    END IF;
    RETURN added.facts;
END
$$;

-- Drops the months of facts and GPU samples that end by a time, and keeps their
-- roll-ups. A month that is not rolled up yet stays. Returns the tables dropped.
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
        END IF;
        EXECUTE format('DROP TABLE wattscore.%I', child.relname);
        RETURN NEXT child.relname;
    END LOOP;
    -- What was taken out of those months is in the roll-ups, once added and once subtracted.
    DELETE FROM fact_removal
    WHERE ts < (SELECT facts_from FROM rollup_state) AND removed_xid < rolled_up AND ingest_xid < rolled_up;
END
$$;

-- Changes the company's time zone and fiscal year, and with them everything that
-- begins at a local midnight.
CREATE OR REPLACE FUNCTION set_calendar(zone text, fiscal_start smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    version int;
    same_zone boolean;
BEGIN
    PERFORM FROM wattscore.rollup_state FOR UPDATE; -- nobody drops facts meanwhile
    SELECT time_zone = zone INTO same_zone FROM wattscore.calendar_setting FOR UPDATE;
    IF NOT same_zone AND (SELECT facts_from IS NOT NULL FROM wattscore.rollup_state) THEN
        RAISE EXCEPTION 'the time zone can no longer change: the days of the facts that were dropped begin at midnights of the old one'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Keep the zone, or restore the dropped facts from a backup and change it there.';
    END IF;
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

-- Creates the monthly partitions (UTC months) that cover [first, last], and is safe
-- to call from several writers at once. Months that were dropped stay gone.
CREATE OR REPLACE FUNCTION ensure_partitions(first timestamptz, last timestamptz) RETURNS int
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
    IF first < (SELECT facts_from FROM rollup_state) THEN
        RAISE EXCEPTION 'the facts before % were dropped, and nobody could tell a new one from one that is counted already', (SELECT facts_from FROM rollup_state)
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Leave out what is older.';
    END IF;
    FOREACH parent IN ARRAY ARRAY['inference_energy_fact', 'gpu_sample'] LOOP
        FOR starts IN SELECT generate_series(date_trunc('month', first AT TIME ZONE 'UTC'),
                                             date_trunc('month', last AT TIME ZONE 'UTC'), '1 month') LOOP
            child := format('%s_%s', parent, to_char(starts, 'YYYY_MM'));
            IF to_regclass(format('wattscore.%I', child)) IS NULL THEN
                PERFORM pg_advisory_xact_lock(hashtext('wattscore.ensure_partitions'));
                -- to_regclass may still answer from before the wait.
                IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'wattscore'::regnamespace AND relname = child) THEN
                    -- The foreign keys need these locks; a writer, too, takes them before the facts'.
                    LOCK TABLE model, project, region, endpoint, workload IN SHARE ROW EXCLUSIVE MODE;
                    -- To attach a table lets readers go on; to create a partition would wait for
                    -- them and hold up all who come after.
                    EXECUTE format('CREATE TABLE wattscore.%I (LIKE wattscore.%I INCLUDING ALL)', child, parent);
                    EXECUTE format('ALTER TABLE wattscore.%I ATTACH PARTITION wattscore.%I FOR VALUES FROM (%L) TO (%L)',
                                   parent, child, starts AT TIME ZONE 'UTC', (starts + '1 month'::interval) AT TIME ZONE 'UTC');
                    created := created + 1;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;
-- +goose StatementEnd

-- What was taken out stays out when its file is imported again.
CREATE INDEX fact_removal_event ON fact_removal (event_id, ts);
CREATE INDEX fact_removal_ts ON fact_removal (ts);
