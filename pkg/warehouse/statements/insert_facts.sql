-- Stores the staged facts that are not there yet; returns the number of new
-- events (an event of several hours is several facts).
WITH stored AS (
    INSERT INTO wattscore.inference_energy_fact (event_id, ts, slice, model_id, project_id, region_id, endpoint_id, workload_id,
        measured, requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug,
        latency_us, gpu_microhours, gpu_memory_microhours, run_id, source)
    SELECT s.event_id, s.ts, s.slice, m.model_id, p.project_id, r.region_id, e.endpoint_id, w.workload_id,
        s.measured, s.requests, s.input_tokens, s.output_tokens, s.it_energy_nwh, s.cost_nusd, s.carbon_location_ug,
        s.carbon_market_ug, s.latency_us, s.gpu_microhours, s.gpu_memory_microhours, s.run_id, s.source
    FROM staged_fact s
    JOIN wattscore.model m ON m.name = s.model
    JOIN wattscore.project p ON p.name = s.project
    JOIN wattscore.region r ON r.code = s.region
    JOIN wattscore.endpoint e ON e.name = s.endpoint
    JOIN wattscore.workload w ON w.code = s.workload
    ORDER BY s.ts, s.event_id
    ON CONFLICT (event_id, ts) DO NOTHING
    RETURNING slice
)
SELECT count(*) FILTER (WHERE slice = 0)::int FROM stored
