-- Where a batch of samples waits to be told from those already there; grain: one row
-- a GPU and interval.
CREATE TEMP TABLE IF NOT EXISTS staged_gpu_sample (
    ts timestamptz, started_at timestamptz, sequence bigint, gpu_uuid text, host text, region_id int, gpu_name text,
    power_mw bigint, power_limit_mw bigint, scope text, energy_counter_mj bigint, energy_nwh bigint, attributed_nwh bigint,
    idle_nwh bigint, split_measured boolean, gaps int, utilization real, memory_used_bytes bigint, memory_total_bytes bigint,
    temperature_c real, method text, driver_version text
) ON COMMIT DELETE ROWS
