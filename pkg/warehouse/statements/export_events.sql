-- The events of a stretch of time as the view wattscore.event shows them, to be taken
-- out; grain: one row a fact. Stored amounts come as the whole units that they are; what
-- the factors in force derive is rounded to those units and marked.
SELECT v.event_id::text, v.ts, v.slice::bigint, v.model, v.project, v.team, v.business_unit, v.region, v.endpoint, v.workload, v.run_id,
       v.requests, v.input_tokens, v.output_tokens, f.latency_us,
       f.it_energy_nwh, round(v.facility_energy_kwh * 1e12)::bigint, f.gpu_memory_microhours, f.gpu_microhours,
       coalesce(f.cost_nusd, round(v.cost_usd * 1e9)::bigint), f.cost_nusd IS NULL AND v.cost_usd IS NOT NULL,
       coalesce(f.carbon_location_ug, round(v.carbon_location_kg * 1e9)::bigint), f.carbon_location_ug IS NULL AND v.carbon_location_kg IS NOT NULL,
       coalesce(f.carbon_market_ug, round(v.carbon_market_kg * 1e9)::bigint), f.carbon_market_ug IS NULL AND v.carbon_market_kg IS NOT NULL,
       v.source, v.quality
FROM wattscore.event v
JOIN wattscore.inference_energy_fact f ON f.event_id = v.event_id AND f.ts = v.ts
WHERE v.ts >= @from_time::timestamptz AND v.ts < @to_time::timestamptz
  AND f.ts >= @from_time::timestamptz AND f.ts < @to_time::timestamptz
ORDER BY v.ts, v.event_id
