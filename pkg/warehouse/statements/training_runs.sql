-- Training runs that overlap a span, each with all it took; grain: one row a run.
-- The events of a run are found by their run id, whatever their time, and priced
-- as usage.sql prices them: each with the factors of its own hour. A run that only
-- its events speak of is listed too.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), seen AS (
    SELECT run_id FROM wattscore.training_run
    WHERE started_at < @to_time::timestamptz AND coalesce(ended_at, 'infinity') > @from_time::timestamptz
    UNION
    SELECT f.run_id FROM wattscore.inference_energy_fact f
    JOIN wattscore.workload w USING (workload_id)
    WHERE f.run_id IS NOT NULL AND NOT w.serves_requests AND f.ts >= @from_time::timestamptz AND f.ts < @to_time::timestamptz
), priced AS (
    SELECT f.run_id, f.ts, f.model_id, f.project_id, f.region_id, f.workload_id, f.it_energy_nwh, f.gpu_microhours,
           CASE WHEN f.measured THEN f.it_energy_nwh ELSE 0 END AS measured_nwh,
           f.it_energy_nwh * x.pue AS facility_nwh,
           f.it_energy_nwh * x.pue * x.electricity_price / 1e12 AS energy_cost,
           coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12) AS cost,
           coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15) AS carbon_location,
           coalesce(f.carbon_market_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_market / 1e15) AS carbon_market
    FROM seen
    JOIN wattscore.inference_energy_fact f USING (run_id)
    JOIN wattscore.workload w ON w.workload_id = f.workload_id AND NOT w.serves_requests
    CROSS JOIN pricing
    LEFT JOIN wattscore.factor_period x ON x.version_id = pricing.version_id AND x.region_id = f.region_id
                                       AND f.ts >= x.valid_from AND f.ts < x.valid_to
), taken AS (
    SELECT run_id, min(ts) AS first_event, min(model_id) AS model_id, min(project_id) AS project_id,
           min(region_id) AS region_id, min(workload_id) AS workload_id,
           sum(it_energy_nwh) AS it_energy_nwh, sum(measured_nwh) AS measured_nwh, sum(gpu_microhours) AS gpu_microhours,
           -- A sum with a part that no factor covers is NULL, not too small.
           CASE WHEN bool_and(facility_nwh IS NOT NULL) THEN sum(facility_nwh) END AS facility_nwh,
           CASE WHEN bool_and(energy_cost IS NOT NULL) THEN sum(energy_cost) END AS energy_cost,
           CASE WHEN bool_and(cost IS NOT NULL) THEN sum(cost) END AS cost,
           CASE WHEN bool_and(carbon_location IS NOT NULL) THEN sum(carbon_location) END AS carbon_location,
           CASE WHEN bool_and(carbon_market IS NOT NULL) THEN sum(carbon_market) END AS carbon_market
    FROM priced
    GROUP BY run_id
)
SELECT seen.run_id, coalesce(m.name, ''), coalesce(p.name, ''), coalesce(p.business_unit, ''), coalesce(r.feature, ''),
       coalesce(g.code, ''), coalesce(w.code, ''),
       coalesce(r.started_at, t.first_event), r.ended_at, r.gpu_count, coalesce(r.gpu_model, ''), r.accuracy, coalesce(r.accuracy_metric, ''),
       (t.it_energy_nwh / 1e12)::double precision, (t.measured_nwh / 1e12)::double precision, (t.facility_nwh / 1e12)::double precision,
       t.energy_cost::double precision, t.cost::double precision, t.carbon_location::double precision, t.carbon_market::double precision,
       (t.gpu_microhours / 1e6)::double precision
FROM seen
LEFT JOIN wattscore.training_run r USING (run_id)
LEFT JOIN taken t USING (run_id)
LEFT JOIN wattscore.model m ON m.model_id = coalesce(r.model_id, t.model_id)
LEFT JOIN wattscore.project p ON p.project_id = coalesce(r.project_id, t.project_id)
LEFT JOIN wattscore.region g ON g.region_id = t.region_id
LEFT JOIN wattscore.workload w ON w.workload_id = t.workload_id
WHERE (@business_units::text[] IS NULL OR p.business_unit = ANY (@business_units))
  AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
  AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
  AND (@models::text[] IS NULL OR m.name = ANY (@models))
  AND (@regions::text[] IS NULL OR g.code = ANY (@regions))
  AND (@workloads::text[] IS NULL OR w.code = ANY (@workloads))
  AND (@endpoints::text[] IS NULL OR false)
ORDER BY t.it_energy_nwh DESC NULLS LAST, seen.run_id
