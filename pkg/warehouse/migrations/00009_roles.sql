-- +goose Up
-- Least privilege. The owner migrates, the writer ingests, the reader answers
-- dashboards and can change nothing. Logins are made members of one of them.

GRANT USAGE ON SCHEMA wattscore TO wattscore_writer, wattscore_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA wattscore TO wattscore_writer, wattscore_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA wattscore GRANT SELECT ON TABLES TO wattscore_writer, wattscore_reader;

GRANT INSERT, UPDATE ON model, project, region, endpoint, training_run, factor_version, region_factor,
    facility_pue_reading, factor_period, reference_intensity, task_class, business_metric, cost_budget, carbon_budget,
    accelerator, hardware_asset, hardware_event TO wattscore_writer;
GRANT DELETE ON factor_period TO wattscore_writer;
GRANT INSERT ON event TO wattscore_writer;

-- Every column but ingest_xid: a writer that set it could slip below what the
-- roll-ups have already counted.
GRANT INSERT (event_id, ts, slice, model_id, project_id, region_id, endpoint_id, workload_id, measured, requests,
    input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
    gpu_microhours, gpu_memory_microhours, run_id, source) ON inference_energy_fact TO wattscore_writer;
GRANT INSERT ON gpu_sample TO wattscore_writer;

REVOKE EXECUTE ON FUNCTION ensure_partitions(timestamptz, timestamptz), refresh_rollups(), rebuild_rollups(),
    set_calendar(text, smallint), fill_calendar(), fill_factor_periods(int), put_factors_in_force(int), insert_event() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(timestamptz, timestamptz), refresh_rollups(), fill_factor_periods(int),
    put_factors_in_force(int), insert_event() TO wattscore_writer;
