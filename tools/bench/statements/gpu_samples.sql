-- What agents on GPU hosts have written by now: a quarter of an hour of samples, one
-- every 10 seconds, and the day's energy by quarters of an hour. Eight GPUs a host.
WITH gpus AS MATERIALIZED (
    INSERT INTO wattscore.gpu_device (gpu_uuid, host, region_id, gpu_index, name, memory_total_bytes, driver_version, first_seen, last_seen)
    SELECT format('GPU-%s', lpad(n::text, 5, '0')), format('node-%s', lpad((n / 8)::text, 4, '0')), r.ids[1 + n / 8 % cardinality(r.ids)], n % 8,
           'NVIDIA H100 80GB HBM3', 80 * 2 ^ 30, '550.54.15', now() - interval '1 year', now()
    FROM generate_series(0, @gpus::int - 1) AS n, (SELECT array_agg(region_id ORDER BY region_id) AS ids FROM wattscore.region) AS r
    ON CONFLICT (gpu_uuid) DO UPDATE SET last_seen = excluded.last_seen
    RETURNING gpu_uuid, host, region_id, name, memory_total_bytes, driver_version
), energy AS (
    INSERT INTO wattscore.gpu_energy (gpu_uuid, bucket, energy_nwh)
    SELECT gpu_uuid, date_bin('15 minutes', now() - q * interval '15 minutes', '2000-01-01Z'), 100000000000
    FROM gpus, generate_series(0, 95) AS q
    ON CONFLICT (gpu_uuid, bucket) DO NOTHING
)
INSERT INTO wattscore.gpu_sample (ts, started_at, sequence, gpu_uuid, host, region_id, gpu_name, power_mw, power_limit_mw, scope, energy_nwh,
    utilization, memory_used_bytes, memory_total_bytes, temperature_c, method, driver_version)
SELECT now() - s * interval '10 seconds', now() - (s + 1) * interval '10 seconds', 90 - s, gpu_uuid, host, region_id, name, 400000, 700000, 'gpu',
    1111111111, 0.6, memory_total_bytes / 2, memory_total_bytes, 61, 'counter', driver_version
FROM gpus, generate_series(0, 89) AS s
