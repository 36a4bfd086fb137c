-- +goose Up
-- Events as people and other tools read and write them: names instead of keys,
-- kWh, kg CO2e, ms and USD instead of integers, priced by the factors in force.

CREATE VIEW event AS
SELECT f.event_id, f.ts, f.slice,
       m.name AS model, p.name AS project, p.team, p.business_unit,
       r.code AS region, nullif(e.name, '__none__') AS endpoint, w.code AS workload, f.run_id,
       f.requests, f.input_tokens, f.output_tokens,
       f.latency_us / 1e3 AS latency_ms,
       f.it_energy_nwh / 1e12 AS it_energy_kwh,
       f.it_energy_nwh * x.pue / 1e12 AS facility_energy_kwh,
       f.gpu_memory_microhours / 1e6 AS gpu_memory_hours,
       f.gpu_microhours / 1e6 AS gpu_hours,
       coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12) AS cost_usd,
       coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15) AS carbon_location_kg,
       coalesce(f.carbon_market_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_market / 1e15) AS carbon_market_kg,
       f.source, CASE WHEN f.measured THEN 'measured' ELSE 'estimated' END AS quality
FROM inference_energy_fact f
JOIN model m USING (model_id)
JOIN project p USING (project_id)
JOIN region r USING (region_id)
JOIN endpoint e USING (endpoint_id)
JOIN workload w USING (workload_id)
LEFT JOIN factor_version v ON v.in_force
LEFT JOIN factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id
                         AND f.ts >= x.valid_from AND f.ts < x.valid_to;

-- +goose StatementBegin
CREATE FUNCTION insert_event() RETURNS trigger
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
    RETURN NEW;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER event_insert INSTEAD OF INSERT ON event FOR EACH ROW EXECUTE FUNCTION insert_event();
