-- +goose Up
-- A refresh no longer overlooks a month that a writer has just made. A transaction is over
-- for other sessions a moment before they hear that it has made a table: a refresh in that
-- moment passed the transaction without reading its facts of the new month, which were
-- then in no roll-up and no tail. To make a month takes a lock on the facts' table that is
-- let go when all sessions have been told; a refresh now takes the same lock. Importers
-- make months in a transaction of their own and were never concerned. Whoever needs both
-- locks the facts' table before rollup_state.

-- +goose StatementBegin
-- Brings the roll-ups up to the oldest transaction still running. Any number of
-- callers may run it: one works, the others return NULL at once, as it does while a
-- writer makes a month. It advances and adds in one transaction, so wherever it is cut
-- off each fact counts once.
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
    BEGIN
        LOCK TABLE ONLY inference_energy_fact IN SHARE UPDATE EXCLUSIVE MODE NOWAIT;
    EXCEPTION WHEN lock_not_available THEN
        RETURN NULL;
    END;
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

-- Changes the company's time zone and fiscal year, and with them everything that
-- begins at a local midnight.
CREATE OR REPLACE FUNCTION set_calendar(zone text, fiscal_start smallint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    version int;
    same_zone boolean;
BEGIN
    LOCK TABLE ONLY wattscore.inference_energy_fact IN SHARE UPDATE EXCLUSIVE MODE; -- first of all, as a refresh does
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
                    -- First what a refresh may hold for a while: who waits for it here holds up other
                    -- new months and no writer.
                    EXECUTE format('LOCK TABLE ONLY wattscore.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
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
