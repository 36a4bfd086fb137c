-- Stores the staged samples that are not there yet and adds their energy to the
-- quarter of an hour in which they end; returns the number of new samples.
WITH stored AS (
    INSERT INTO wattscore.gpu_sample (ts, started_at, sequence, gpu_uuid, host, region_id, gpu_name, power_mw, power_limit_mw, scope,
        energy_counter_mj, energy_nwh, attributed_nwh, idle_nwh, split_measured, gaps, utilization, memory_used_bytes,
        memory_total_bytes, temperature_c, method, driver_version)
    SELECT ts, started_at, sequence, gpu_uuid, host, region_id, gpu_name, power_mw, power_limit_mw, scope,
        energy_counter_mj, energy_nwh, attributed_nwh, idle_nwh, split_measured, gaps, utilization, memory_used_bytes,
        memory_total_bytes, temperature_c, method, driver_version
    FROM staged_gpu_sample
    ORDER BY gpu_uuid, ts, sequence
    ON CONFLICT (gpu_uuid, ts, sequence) DO NOTHING
    RETURNING gpu_uuid, ts, energy_nwh
), added AS (
    INSERT INTO wattscore.gpu_energy AS e (gpu_uuid, bucket, energy_nwh)
    SELECT gpu_uuid, date_bin('15 minutes', ts, '2000-01-01Z') AS bucket, sum(energy_nwh)
    FROM stored WHERE energy_nwh IS NOT NULL
    GROUP BY gpu_uuid, bucket ORDER BY gpu_uuid, bucket
    ON CONFLICT (gpu_uuid, bucket) DO UPDATE SET energy_nwh = e.energy_nwh + excluded.energy_nwh
)
SELECT count(*)::int FROM stored
