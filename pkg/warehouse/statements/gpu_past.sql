-- What some GPUs' agents measured in a span of time; grain: one row a GPU and interval,
-- by the time at which it ended.
SELECT gpu_uuid, ts, power_mw / 1e3::double precision, utilization::double precision, memory_used_bytes, temperature_c::double precision
FROM wattscore.gpu_sample
WHERE gpu_uuid = ANY (@gpus::text[]) AND ts > @from::timestamptz AND ts <= @to::timestamptz
ORDER BY ts, sequence
