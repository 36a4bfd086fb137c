-- +goose Up
-- Corrections and deletions of facts, coarser roll-ups, the life of the data, and a
-- warehouse that notices when it was restored on another server.

-- The facts that were deleted or corrected, as they were, with who took them out
-- and when: an auditor can read them, and the roll-ups subtract them.
CREATE TABLE fact_removal (LIKE inference_energy_fact);
ALTER TABLE fact_removal
    ADD COLUMN removed_xid bigint NOT NULL,
    ADD COLUMN removed_at timestamptz NOT NULL,
    ADD COLUMN removed_by text NOT NULL;
CREATE INDEX fact_removal_removed_xid ON fact_removal (removed_xid);
CREATE INDEX fact_removal_ingest_xid ON fact_removal (ingest_xid);

-- A block range index leaves the last blocks of each month unsummarised, so that
-- every answer would read them; ids only rise, so this one costs writers little.
DROP INDEX inference_energy_fact_ingest_xid;
CREATE INDEX inference_energy_fact_ingest_xid ON inference_energy_fact (ingest_xid);

-- Latencies by day and model, for ranges of more than a month.
CREATE TABLE rollup_latency_model_day (
    bucket   timestamptz NOT NULL,
    model_id int NOT NULL,
    bin      smallint NOT NULL,
    requests bigint NOT NULL,
    PRIMARY KEY (bucket, model_id, bin)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
INSERT INTO rollup_latency_model_day
SELECT date_trunc('day', bucket, (SELECT time_zone FROM calendar_setting)) AS b, model_id, bin, sum(requests)
FROM rollup_latency_hour GROUP BY b, model_id, bin;

ALTER TABLE rollup_state
    -- Transaction ids belong to a server. On another one (a dump was restored) they
    -- begin anew, and what is added to them here goes on where the old ones ended.
    ADD COLUMN system_identifier bigint,
    ADD COLUMN xid_offset bigint NOT NULL DEFAULT 0,
    -- The facts before this time were dropped; the roll-ups have them still.
    ADD COLUMN facts_from timestamptz;
UPDATE rollup_state SET system_identifier = (SELECT system_identifier FROM pg_control_system());
ALTER TABLE rollup_state ALTER COLUMN system_identifier SET NOT NULL;

-- The facts in the roll-ups' own columns, to be added up: grain one row a fact that
-- is there, and two of opposite sign for one that was taken out, which came with one
-- transaction and went with another.
DROP VIEW fact_measure;
CREATE VIEW fact_measure AS
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
            ELSE ceil(ln(f.latency_us::double precision) / ln(1.01 / 0.99::double precision))::smallint END AS latency_bin
FROM (
    SELECT 1::bigint AS sign, ingest_xid AS xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours
    FROM inference_energy_fact
    UNION ALL
    SELECT 1, ingest_xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours
    FROM fact_removal
    UNION ALL
    SELECT -1, removed_xid, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
           requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
           gpu_microhours, gpu_memory_microhours
    FROM fact_removal
) AS f;

-- The measures of a roll-up by name, each put through a format with %1$I, joined.
CREATE FUNCTION each_measure(pattern text, separator text DEFAULT ', ') RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(format(pattern, attname), separator ORDER BY attnum)
    FROM pg_attribute
    WHERE attrelid = 'wattscore.rollup_hour'::regclass AND attnum > 6 AND NOT attisdropped
$$;

-- The roll-ups: what they are by beside the hour, day or month of their bucket.
-- Those by fewer keys answer questions that need no more in many short steps.
CREATE TABLE rollup_family (
    name text PRIMARY KEY, -- the tables are name_hour, name_day and name_month
    keys text NOT NULL
);
INSERT INTO rollup_family VALUES
    ('rollup', 'model_id, project_id, region_id, endpoint_id, workload_id'),
    ('rollup_model', 'model_id, region_id, workload_id'),
    ('rollup_site', 'region_id, workload_id');

-- +goose StatementBegin
-- A month's measure holds 9.2 GWh or 9,200 t a combination: 12.8 MW, day and night.
-- A warehouse that has roll-ups already gets the new ones from its hours.
DO $$
DECLARE
    family rollup_family;
    grain  text;
BEGIN
    FOR family IN SELECT * FROM rollup_family LOOP
        FOREACH grain IN ARRAY ARRAY['hour', 'day', 'month'] LOOP
            CONTINUE WHEN family.name = 'rollup' AND grain <> 'month';
            EXECUTE (SELECT format('CREATE TABLE %I (%s, PRIMARY KEY (bucket, %s)) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)',
                                   family.name || '_' || grain,
                                   string_agg(format('%I %s NOT NULL', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum), family.keys)
                     FROM pg_attribute
                     WHERE attrelid = 'wattscore.rollup_hour'::regclass AND attnum > 0 AND NOT attisdropped
                       AND (attnum = 1 OR attnum > 6 OR attname = ANY (string_to_array(family.keys, ', '))));
            EXECUTE format('INSERT INTO %I SELECT date_trunc(%L, bucket, (SELECT time_zone FROM calendar_setting)) AS b, %s, %s
                            FROM rollup_hour GROUP BY b, %3$s',
                           family.name || '_' || grain, grain, family.keys, each_measure('sum(%1$I)'));
        END LOOP;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Takes out a fact that is deleted or corrected. The corrected one carries the
-- transaction that wrote it anew.
CREATE FUNCTION keep_removed_fact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    stamp bigint := pg_current_xact_id()::text::bigint + (SELECT xid_offset FROM rollup_state);
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        NEW.ingest_xid := stamp;
        RETURN NEW;
    END IF;
    INSERT INTO fact_removal SELECT OLD.*, stamp, clock_timestamp(), session_user;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
-- An update that moves a fact to another month fires DELETE, not UPDATE.
CREATE TRIGGER stamp_corrected_fact BEFORE UPDATE ON inference_energy_fact FOR EACH ROW EXECUTE FUNCTION keep_removed_fact();
CREATE TRIGGER keep_removed_fact AFTER UPDATE OR DELETE ON inference_energy_fact FOR EACH ROW EXECUTE FUNCTION keep_removed_fact();

-- +goose StatementBegin
-- Adds the facts of the transactions [first_xid, end_xid) whose events lie in
-- [first_ts, last_ts) to every roll-up, and returns how many there were and the
-- newest of them.
CREATE FUNCTION add_to_rollups(first_xid bigint, end_xid bigint, first_ts timestamptz, last_ts timestamptz,
                               OUT facts bigint, OUT newest timestamptz)
LANGUAGE plpgsql SET search_path = wattscore, pg_temp SET jit = off AS $$
DECLARE
    all_keys CONSTANT text := 'model_id, project_id, region_id, endpoint_id, workload_id';
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
                  ON CONFLICT (bucket, %3$s) DO UPDATE SET %5$s)', f.name, grain, f.keys, sums, addition), ', ')
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
            )
            INSERT INTO rollup_latency_hour AS r
            SELECT bucket, %1$s, bin, requests FROM hour ORDER BY bucket, %1$s, bin
            ON CONFLICT (bucket, %1$s, bin) DO UPDATE SET requests = r.requests + excluded.requests', all_keys, chosen)
        USING first_xid, end_xid, first_ts, last_ts;
    END IF;
END
$$;

-- Whether the warehouse runs on a server whose transaction ids it does not know.
CREATE FUNCTION was_restored() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
    SELECT s.system_identifier <> c.system_identifier FROM rollup_state s, pg_control_system() c
$$;

-- Refuses new facts until a restored warehouse has been adopted: they would carry
-- transaction ids below those that are counted already.
CREATE FUNCTION refuse_facts_if_restored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF wattscore.was_restored() THEN
        RAISE EXCEPTION 'this warehouse was restored on another server and takes no facts yet'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Run: wattctl rollup refresh. It takes the restored roll-ups over; nothing is lost.';
    END IF;
    RETURN NULL;
END
$$;

-- Takes over a warehouse that was restored from a dump. Whatever it holds was
-- written on the old server by transactions that are over, and nothing since (see
-- refuse_facts_if_restored): all of it goes into the roll-ups, and new facts go on
-- above the highest id there is.
CREATE FUNCTION adopt_restored_warehouse() RETURNS void
LANGUAGE plpgsql SET search_path = wattscore, pg_temp AS $$
DECLARE
    first_xid bigint;
    highest   bigint;
    lift      bigint;
    added     record;
    child     regclass;
BEGIN
    LOCK TABLE inference_energy_fact IN ACCESS EXCLUSIVE MODE;
    SELECT next_xid INTO first_xid FROM rollup_state;
    SELECT greatest(max(xid), first_xid) INTO highest FROM fact_measure WHERE xid >= first_xid;
    added := add_to_rollups(first_xid, highest + 1, '-infinity', 'infinity');
    lift := greatest(0, highest + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint);
    FOR child IN SELECT 'inference_energy_fact'::regclass UNION SELECT inhrelid FROM pg_inherits WHERE inhparent = 'inference_energy_fact'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN ingest_xid SET DEFAULT (pg_current_xact_id()::text::bigint + %s)', child, lift);
    END LOOP;
    UPDATE rollup_state
       SET system_identifier = (SELECT system_identifier FROM pg_control_system()), xid_offset = lift,
           next_xid = greatest(highest + 1, pg_snapshot_xmin(pg_current_snapshot())::text::bigint + lift),
           newest_event = greatest(newest_event, added.newest), refreshed_at = clock_timestamp();
END
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
    added := add_to_rollups(state.next_xid, end_xid, '-infinity', 'infinity');
    UPDATE rollup_state
       SET next_xid = end_xid, newest_event = greatest(newest_event, added.newest), refreshed_at = clock_timestamp();
    IF EXISTS (SELECT FROM fact_removal WHERE removed_xid >= state.next_xid AND removed_xid < end_xid AND ts >= greatest(state.newest_event, added.newest)) THEN
        UPDATE rollup_state
           SET newest_event = (SELECT max(ts) FROM inference_energy_fact
                               WHERE ts >= (SELECT max(bucket) FROM rollup_hour WHERE events > 0) AND ingest_xid < end_xid);
    END IF;
    RETURN added.facts;
END
$$;

-- The first local month whose facts are all still there; what lies before can
-- neither be verified nor made again.
CREATE FUNCTION facts_complete_from() RETURNS timestamptz LANGUAGE sql STABLE SET search_path = wattscore, pg_temp AS $$
    SELECT CASE WHEN s.facts_from IS NULL THEN '-infinity'
                WHEN date_trunc('month', s.facts_from, c.time_zone) = s.facts_from THEN s.facts_from
                ELSE (date_trunc('month', s.facts_from AT TIME ZONE c.time_zone) + interval '1 month') AT TIME ZONE c.time_zone END
    FROM rollup_state s CROSS JOIN calendar_setting c
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
CREATE FUNCTION verify_rollups()
RETURNS TABLE (rollup text, bucket timestamptz, model_id int, project_id int, region_id int, endpoint_id int, workload_id smallint, excess jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    all_keys CONSTANT text := 'model_id, project_id, region_id, endpoint_id, workload_id';
    since    CONSTANT timestamptz := facts_complete_from();
    family   rollup_family;
    grain    text;
    shown    text;
BEGIN
    FOR family IN SELECT * FROM rollup_family f ORDER BY f.name LOOP
        -- A key the roll-up does not have is NULL.
        shown := regexp_replace(all_keys, CASE family.name WHEN 'rollup' THEN '^$' WHEN 'rollup_model' THEN '(project_id|endpoint_id)'
                                      ELSE '(model_id|project_id|endpoint_id)' END, 'NULL::int', 'g');
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
END
$$;

-- Drops the months of facts and GPU samples that end by a time, and keeps their
-- roll-ups. A month that is not rolled up yet stays. Returns the tables dropped.
CREATE FUNCTION drop_facts_before(cutoff timestamptz) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    child      record;
    rolled_up  bigint;
    has_waiting boolean;
BEGIN
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

-- As before, and two writers may make the same month at once.
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
                    EXECUTE format('CREATE TABLE IF NOT EXISTS wattscore.%I PARTITION OF wattscore.%I FOR VALUES FROM (%L) TO (%L)',
                                   child, parent, starts AT TIME ZONE 'UTC', (starts + '1 month'::interval) AT TIME ZONE 'UTC');
                    created := created + 1;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;

-- As before, and an event that is there already is no inserted row.
CREATE OR REPLACE FUNCTION insert_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    region_key   int;
    workload_key smallint;
    model_name    text := coalesce(nullif(NEW.model, ''), '__unallocated__');
    project_name  text := coalesce(nullif(NEW.project, ''), '__unallocated__');
    endpoint_name text := coalesce(nullif(NEW.endpoint, ''), '__none__');
BEGIN
    SELECT region_id INTO region_key FROM region WHERE code = NEW.region;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown region %', coalesce(NEW.region, '(none)')
            USING ERRCODE = 'foreign_key_violation', HINT = 'Import its factors first, or use a code of wattscore.region.';
    END IF;
    SELECT workload_id INTO workload_key FROM workload WHERE code = NEW.workload;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown workload %', coalesce(NEW.workload, '(none)')
            USING ERRCODE = 'foreign_key_violation', HINT = 'The workloads are those of wattscore.workload.';
    END IF;
    IF NEW.quality IS NULL OR NEW.quality NOT IN ('measured', 'estimated') THEN
        RAISE EXCEPTION 'quality must be measured or estimated, not %', coalesce(NEW.quality, '(none)')
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM ensure_partitions(NEW.ts, NEW.ts);
    INSERT INTO model (name) VALUES (model_name) ON CONFLICT DO NOTHING;
    INSERT INTO project (name) VALUES (project_name) ON CONFLICT DO NOTHING;
    INSERT INTO endpoint (name) VALUES (endpoint_name) ON CONFLICT DO NOTHING;
    INSERT INTO inference_energy_fact (event_id, ts, slice, model_id, project_id, region_id, endpoint_id, workload_id,
        measured, requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug,
        latency_us, gpu_microhours, gpu_memory_microhours, run_id, source)
    SELECT NEW.event_id, NEW.ts, coalesce(NEW.slice, 0), m.model_id, p.project_id, region_key, e.endpoint_id, workload_key,
        NEW.quality = 'measured', coalesce(NEW.requests, 0), coalesce(NEW.input_tokens, 0), coalesce(NEW.output_tokens, 0),
        round(NEW.it_energy_kwh * 1e12), round(NEW.cost_usd * 1e9), round(NEW.carbon_location_kg * 1e9),
        round(NEW.carbon_market_kg * 1e9), round(NEW.latency_ms * 1e3), round(coalesce(NEW.gpu_hours, 0) * 1e6),
        round(coalesce(NEW.gpu_memory_hours, 0) * 1e6), NEW.run_id, coalesce(NEW.source, 'event view')
    FROM model m, project p, endpoint e
    WHERE m.name = model_name AND p.name = project_name AND e.name = endpoint_name
    ON CONFLICT (event_id, ts) DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL; -- it was there already: no row is inserted
    END IF;
    RETURN NEW;
END
$$;

-- Deletes and corrects events through the view that people read.
CREATE FUNCTION change_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    stored  inference_energy_fact;
    present event;
BEGIN
    -- OLD is what the statement saw when it began. What others did to the event since
    -- must neither be lost nor bring back what they deleted.
    PERFORM FROM inference_energy_fact WHERE event_id = OLD.event_id AND ts = OLD.ts FOR UPDATE;
    IF FOUND THEN
        SELECT * INTO present FROM event WHERE event_id = OLD.event_id AND ts = OLD.ts;
    END IF;
    IF present IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'event % of % was changed or deleted meanwhile', OLD.event_id, OLD.ts
            USING ERRCODE = 'serialization_failure', HINT = 'Look at the event again and repeat the change.';
    END IF;
    DELETE FROM inference_energy_fact WHERE event_id = OLD.event_id AND ts = OLD.ts RETURNING * INTO stored;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF (NEW.team, NEW.business_unit, NEW.facility_energy_kwh) IS DISTINCT FROM (OLD.team, OLD.business_unit, OLD.facility_energy_kwh) THEN
        RAISE EXCEPTION 'the team and the business unit of an event are those of its project, and its facility energy follows from the PUE'
            USING ERRCODE = 'feature_not_supported', HINT = 'Change wattscore.project, or restate the factors.';
    END IF;
    -- What was derived when read stays derived.
    IF stored.cost_nusd IS NULL AND NEW.cost_usd IS NOT DISTINCT FROM OLD.cost_usd THEN
        NEW.cost_usd := NULL;
    END IF;
    IF stored.carbon_location_ug IS NULL AND NEW.carbon_location_kg IS NOT DISTINCT FROM OLD.carbon_location_kg THEN
        NEW.carbon_location_kg := NULL;
    END IF;
    IF stored.carbon_market_ug IS NULL AND NEW.carbon_market_kg IS NOT DISTINCT FROM OLD.carbon_market_kg THEN
        NEW.carbon_market_kg := NULL;
    END IF;
    INSERT INTO event VALUES (NEW.*);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'event % has another fact of %', NEW.event_id, NEW.ts
            USING ERRCODE = 'unique_violation', HINT = 'Delete the event and insert it anew.';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER event_change INSTEAD OF UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION change_event();
CREATE TRIGGER refuse_facts_if_restored BEFORE INSERT OR UPDATE OR DELETE ON inference_energy_fact
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_facts_if_restored();

GRANT UPDATE, DELETE ON event TO wattscore_writer;
REVOKE EXECUTE ON FUNCTION add_to_rollups(bigint, bigint, timestamptz, timestamptz), adopt_restored_warehouse(), drop_facts_before(timestamptz),
    keep_removed_fact(), change_event(), verify_rollups() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION verify_rollups() TO wattscore_writer, wattscore_reader;
