-- Where a batch of facts waits to be told from those already there; grain: one row
-- a fact. The first row of an event stands for it.
CREATE TEMP TABLE IF NOT EXISTS staged_fact (
    event_id uuid, ts timestamptz, slice int, model_id int, project_id int, region_id int, endpoint_id int, workload_id smallint,
    measured boolean, requests bigint, input_tokens bigint, output_tokens bigint, it_energy_nwh bigint,
    cost_nusd bigint, carbon_location_ug bigint, carbon_market_ug bigint, latency_us bigint,
    gpu_microhours bigint, gpu_memory_microhours bigint, run_id text, source text, first boolean
) ON COMMIT DELETE ROWS
