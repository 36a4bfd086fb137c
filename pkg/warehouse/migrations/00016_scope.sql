-- +goose Up
-- Logins that see some business units only. Such a login is a member of
-- wattscore_scoped and of nothing else: what it may read at all is granted here, and
-- what it sees of it is up to policies and views that are for this role alone. Logins
-- of wattscore_reader are not slowed down, for no policy is theirs.

-- The business units of each scoped login. __idle__ and __unallocated__, which are
-- nobody's, are named like units.
CREATE TABLE reader_scope (
    login         name NOT NULL,
    business_unit text NOT NULL CHECK (business_unit <> ''),
    PRIMARY KEY (login, business_unit)
);
REVOKE ALL ON reader_scope FROM wattscore_writer, wattscore_reader;

-- +goose StatementBegin
-- The business units that the session is limited to; null: it is not. Goes by who
-- logged in, which SET ROLE does not change.
CREATE FUNCTION scope() RETURNS text[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
    SELECT array_agg(business_unit ORDER BY business_unit) FROM wattscore.reader_scope WHERE login = session_user
$$;

-- The projects of those business units.
CREATE FUNCTION scope_projects() RETURNS int[] LANGUAGE sql STABLE SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
    SELECT coalesce(array_agg(project_id), '{}')
    FROM wattscore.project
    WHERE business_unit = ANY (wattscore.scope())
       OR name IN ('__idle__', '__unallocated__') AND name = ANY (wattscore.scope())
$$;

-- Views read with the rights of who asks, so that policies hold through them. That
-- takes PostgreSQL 15; before it there are no scoped logins.
CREATE FUNCTION read_views_as_who_asks() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = wattscore, pg_temp AS $$
DECLARE
    view name;
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN
        RETURN false;
    END IF;
    FOR view IN SELECT viewname FROM pg_views WHERE schemaname = 'wattscore' AND viewname NOT LIKE 'seen\_%' LOOP
        EXECUTE format('ALTER VIEW wattscore.%I SET (security_invoker = true)', view);
    END LOOP;
    RETURN true;
END
$$;

-- Puts a table under a policy: everybody sees all, members of wattscore_scoped what
-- the condition lets through.
CREATE FUNCTION put_in_scope(tables text[], condition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE wattscore.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY everybody ON wattscore.%I USING (true)', name);
        EXECUTE format('CREATE POLICY scope ON wattscore.%I AS RESTRICTIVE FOR SELECT TO wattscore_scoped USING (%s)', name, condition);
        EXECUTE format('GRANT SELECT ON wattscore.%I TO wattscore_scoped', name);
    END LOOP;
END
$$;
-- +goose StatementEnd

REVOKE EXECUTE ON FUNCTION read_views_as_who_asks(), put_in_scope(text[], text) FROM PUBLIC;

GRANT USAGE ON SCHEMA wattscore TO wattscore_scoped;
-- The company's, and nobody's secret. Roll-ups that do not tell projects apart are not
-- among them, nor is what the telemetry receiver remembers.
GRANT SELECT ON calendar_setting, calendar_day, schema_migration, rollup_state, rollup_family, workload, region, task_class,
    reference_intensity, accelerator, factor_version, region_factor, factor_period, factor_restatement, facility_pue_reading,
    hardware_embodied TO wattscore_scoped;

-- Facts have no policy, because COPY into a table with one is refused to whoever does
-- not own it. A scoped login reads them through views that stand beside those of the
-- same name without seen_, and go by who logged in too.
CREATE VIEW seen_inference_energy_fact WITH (security_barrier = true) AS
    SELECT * FROM inference_energy_fact WHERE project_id = ANY ((SELECT wattscore.scope_projects())::int[]);
CREATE VIEW seen_fact_removal WITH (security_barrier = true) AS
    SELECT * FROM fact_removal WHERE project_id = ANY ((SELECT wattscore.scope_projects())::int[]);
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['fact_measure', 'event'] LOOP
        EXECUTE format('CREATE VIEW wattscore.%I AS %s', 'seen_' || name, regexp_replace(regexp_replace(regexp_replace(
            pg_get_viewdef(format('wattscore.%I', name)::regclass), '\minference_energy_fact\M', 'seen_inference_energy_fact', 'g'),
            '\mfact_removal\M', 'seen_fact_removal', 'g'), '\mfact_measure\M', 'seen_fact_measure', 'g'));
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT SELECT ON seen_inference_energy_fact, seen_fact_removal, seen_fact_measure, seen_event TO wattscore_scoped;
REVOKE ALL ON seen_inference_energy_fact, seen_fact_removal, seen_fact_measure, seen_event FROM wattscore_writer, wattscore_reader;

-- By project. The company's own figures have no business unit and stay hidden.
SELECT put_in_scope(ARRAY['rollup_hour', 'rollup_day', 'rollup_month', 'rollup_latency_hour',
    'rollup_unrequested_hour', 'rollup_unrequested_day', 'training_run', 'project'],
    'project_id = ANY ((SELECT wattscore.scope_projects())::int[])');
SELECT put_in_scope(ARRAY['hardware_asset', 'business_metric', 'cost_budget', 'carbon_budget'],
    'business_unit = ANY ((SELECT wattscore.scope())::text[])');
-- What belongs to an asset that is seen.
SELECT put_in_scope(ARRAY['hardware_event', 'gpu_device'], 'asset_id IN (SELECT asset_id FROM wattscore.hardware_asset)');
SELECT put_in_scope(ARRAY['gpu_sample', 'gpu_energy', 'gpu_health_day'], 'gpu_uuid IN (SELECT gpu_uuid FROM wattscore.gpu_device)');
-- Models and endpoints by name tell what others work on: those are seen that the seen
-- projects have used.
SELECT put_in_scope(ARRAY['model'], 'model_id IN (SELECT model_id FROM wattscore.rollup_month UNION ALL SELECT model_id FROM wattscore.training_run
    UNION ALL SELECT model_id FROM wattscore.seen_inference_energy_fact WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state))');
SELECT put_in_scope(ARRAY['endpoint'], 'endpoint_id IN (SELECT endpoint_id FROM wattscore.rollup_month
    UNION ALL SELECT endpoint_id FROM wattscore.seen_inference_energy_fact WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state))');

DROP FUNCTION put_in_scope(text[], text);
SELECT read_views_as_who_asks();
