-- Stores the staged facts that are not there yet and were not taken out; returns the
-- number of new events (an event of several hours is several facts).
WITH stored AS (
    INSERT INTO wattscore.inference_energy_fact (event_id, ts, slice, model_id, project_id, region_id, endpoint_id, workload_id,
        measured, requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug,
        latency_us, gpu_microhours, gpu_memory_microhours, run_id, source)
    SELECT event_id, ts, slice, model_id, project_id, region_id, endpoint_id, workload_id,
        measured, requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug,
        latency_us, gpu_microhours, gpu_memory_microhours, run_id, source
    FROM staged_fact s
    WHERE NOT EXISTS (SELECT FROM wattscore.fact_removal r WHERE r.event_id = s.event_id AND r.ts = s.ts)
    ORDER BY ts, event_id
    ON CONFLICT (event_id, ts) DO NOTHING
    RETURNING event_id, ts
)
SELECT count(*)::int FROM stored JOIN (SELECT DISTINCT event_id, ts FROM staged_fact WHERE first) s USING (event_id, ts)
