-- Training runs that overlap a span, each with all it took; grain: one row a run.
-- A run is known by its own row or by its events alone. Its events are found by
-- run id, whatever their time, and priced as usage.sql prices them, each with the
-- factors of its own time. They are looked up a run at a time: joined at once, the
-- planner reads the facts of every month.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), work AS (
    SELECT workload_id, code FROM wattscore.workload WHERE code = ANY (@training_workloads::text[])
), seen AS (
    SELECT run_id FROM wattscore.training_run
    WHERE started_at < @to_time::timestamptz
      AND (coalesce(ended_at, 'infinity') > @from_time::timestamptz OR started_at >= @from_time)
    UNION
    SELECT f.run_id FROM wattscore.inference_energy_fact f JOIN work USING (workload_id)
    WHERE f.run_id IS NOT NULL AND f.ts >= @from_time AND f.ts < @to_time
), reached AS (
    -- The accuracy of the completed run before, of the same model by the same metric.
    SELECT run_id, lag(accuracy) OVER (PARTITION BY model_id, accuracy_metric ORDER BY started_at, run_id) AS previous_accuracy
    FROM wattscore.training_run
    WHERE ended_at IS NOT NULL AND accuracy IS NOT NULL AND accuracy_metric IS NOT NULL AND model_id IS NOT NULL
)
SELECT seen.run_id, coalesce(m.name, '__none__'), coalesce(p.name, '__none__'), coalesce(p.business_unit, '__none__'),
       coalesce(r.feature, ''), r.run_id IS NOT NULL,
       coalesce(r.started_at, t.first_event), r.ended_at, r.gpu_count, coalesce(r.gpu_model, ''),
       r.accuracy, coalesce(r.accuracy_metric, ''),
       CASE WHEN t.workloads = ARRAY['evaluation'] THEN NULL ELSE reached.previous_accuracy END, -- which measures and gains nothing
       t.it_energy, t.measured_energy, t.facility_energy, t.energy_cost, t.cost, t.carbon_location, t.carbon_market, t.gpu_hours
FROM seen
LEFT JOIN wattscore.training_run r USING (run_id)
LEFT JOIN reached USING (run_id)
CROSS JOIN LATERAL (
    -- NULL throughout for a run without events. A sum with a part that no factor
    -- covers is NULL, not too small.
    SELECT min(f.ts) AS first_event,
           (array_agg(f.model_id ORDER BY f.ts, f.event_id))[1] AS model_id,
           (array_agg(f.project_id ORDER BY f.ts, f.event_id))[1] AS project_id,
           array_agg(DISTINCT g.code) AS regions, array_agg(DISTINCT work.code) AS workloads, array_agg(DISTINCT e.name) AS endpoints,
           (sum(f.it_energy_nwh) / 1e12)::double precision AS it_energy,
           (sum(CASE WHEN f.measured THEN f.it_energy_nwh ELSE 0 END) / 1e12)::double precision AS measured_energy,
           CASE WHEN bool_and(x.pue IS NOT NULL OR f.it_energy_nwh = 0)
                THEN (coalesce(sum(f.it_energy_nwh * x.pue), 0) / 1e12)::double precision END AS facility_energy,
           CASE WHEN bool_and(x.pue * x.electricity_price IS NOT NULL OR f.it_energy_nwh = 0)
                THEN (coalesce(sum(f.it_energy_nwh * x.pue * x.electricity_price), 0) / 1e12)::double precision END AS energy_cost,
           CASE WHEN bool_and(f.cost_nusd IS NOT NULL OR x.pue * x.electricity_price IS NOT NULL OR f.it_energy_nwh = 0)
                THEN (coalesce(sum(f.cost_nusd), 0) / 1e9
                      + coalesce(sum(f.it_energy_nwh * x.pue * x.electricity_price) FILTER (WHERE f.cost_nusd IS NULL), 0) / 1e12)::double precision
           END AS cost,
           CASE WHEN bool_and(f.carbon_location_ug IS NOT NULL OR x.pue * x.grid_location IS NOT NULL OR f.it_energy_nwh = 0)
                THEN (coalesce(sum(f.carbon_location_ug), 0) / 1e9
                      + coalesce(sum(f.it_energy_nwh * x.pue * x.grid_location) FILTER (WHERE f.carbon_location_ug IS NULL), 0) / 1e15)::double precision
           END AS carbon_location,
           CASE WHEN bool_and(f.carbon_market_ug IS NOT NULL OR x.pue * x.grid_market IS NOT NULL OR f.it_energy_nwh = 0)
                THEN (coalesce(sum(f.carbon_market_ug), 0) / 1e9
                      + coalesce(sum(f.it_energy_nwh * x.pue * x.grid_market) FILTER (WHERE f.carbon_market_ug IS NULL), 0) / 1e15)::double precision
           END AS carbon_market,
           (sum(f.gpu_microhours) / 1e6)::double precision AS gpu_hours
    FROM wattscore.inference_energy_fact f
    JOIN work USING (workload_id)
    JOIN wattscore.region g USING (region_id)
    JOIN wattscore.endpoint e USING (endpoint_id)
    CROSS JOIN pricing
    LEFT JOIN wattscore.factor_period x ON x.version_id = pricing.version_id AND x.region_id = f.region_id
                                       AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.run_id = seen.run_id
) AS t
LEFT JOIN wattscore.model m ON m.model_id = coalesce(r.model_id, t.model_id)
LEFT JOIN wattscore.project p ON p.project_id = coalesce(r.project_id, t.project_id)
-- A run is one thing: it is kept whole where any of it was in the region asked for.
WHERE (@business_units::text[] IS NULL OR p.business_unit = ANY (@business_units))
  AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
  AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
  AND (@models::text[] IS NULL OR m.name = ANY (@models))
  AND (@regions::text[] IS NULL OR t.regions && @regions)
  AND (@workloads::text[] IS NULL OR t.workloads && @workloads)
  AND (@endpoints::text[] IS NULL OR t.endpoints && @endpoints)
ORDER BY t.it_energy DESC NULLS LAST, seen.run_id
