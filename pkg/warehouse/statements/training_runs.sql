-- Training runs that overlap a span, each with all it took; grain: one row a run.
-- A run is known by its own row or by its events alone. Its events are found by
-- run id, whatever their time, and priced as usage.sql prices them: added up by what
-- has the same factors, and then with the factors of their own time. They are looked up
-- a run at a time: joined at once, the planner reads the facts of every month.
WITH factor AS MATERIALIZED (
    SELECT region_id, valid_from, valid_to, pue,
           pue * electricity_price AS price, pue * grid_location AS location, pue * grid_market AS market
    FROM wattscore.factor_period
    WHERE version_id = coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force))
), work AS MATERIALIZED (
    SELECT workload_id, code FROM wattscore.workload WHERE code = ANY (@training_workloads::text[])
), known AS MATERIALIZED (
    SELECT run_id FROM wattscore.training_run
    WHERE started_at < @to_time::timestamptz
      AND (coalesce(ended_at, 'infinity') > @from_time::timestamptz OR started_at >= @from_time)
), seen AS (
    SELECT run_id FROM known
    UNION ALL
    -- Most events are of known runs: those are left out before the others are grouped.
    SELECT f.run_id
    FROM wattscore.inference_energy_fact f
    WHERE f.run_id IS NOT NULL AND f.ts >= @from_time AND f.ts < @to_time AND f.workload_id = ANY (ARRAY(SELECT workload_id FROM work))
      AND f.run_id NOT IN (SELECT run_id FROM known)
    GROUP BY f.run_id
), reached AS (
    -- The accuracy of the completed run before, of the same model by the same metric.
    SELECT run_id, lag(accuracy) OVER (PARTITION BY model_id, accuracy_metric ORDER BY started_at, run_id) AS previous_accuracy
    FROM wattscore.training_run
    WHERE ended_at IS NOT NULL AND accuracy IS NOT NULL AND accuracy_metric IS NOT NULL AND model_id IS NOT NULL
), run AS MATERIALIZED (
    SELECT run_id, r.run_id IS NOT NULL AS recorded, r.model_id, r.project_id, r.feature, r.started_at, r.ended_at, r.gpu_count, r.gpu_model,
           r.accuracy, r.accuracy_metric, reached.previous_accuracy
    FROM seen
    LEFT JOIN wattscore.training_run r USING (run_id)
    LEFT JOIN reached USING (run_id)
)
SELECT r.run_id, coalesce(m.name, '__none__'), coalesce(p.name, '__none__'), coalesce(p.business_unit, '__none__'),
       coalesce(r.feature, ''), r.recorded,
       coalesce(r.started_at, t.first_event), r.ended_at, r.gpu_count, coalesce(r.gpu_model, ''),
       r.accuracy, coalesce(r.accuracy_metric, ''),
       CASE WHEN t.workloads = ARRAY['evaluation'] THEN NULL ELSE r.previous_accuracy END, -- which measures and gains nothing
       t.it_energy, t.measured_energy, t.facility_energy, t.energy_cost, t.cost, t.carbon_location, t.carbon_market, t.gpu_hours
FROM run r
CROSS JOIN LATERAL (
    -- NULL throughout for a run without events. A sum with a part that no factor
    -- covers is NULL, not too small.
    SELECT min(first_event) AS first_event,
           (array_agg(f.model_id ORDER BY first_event, f.model_id, f.project_id))[1] AS model_id,
           (array_agg(f.project_id ORDER BY first_event, f.model_id, f.project_id))[1] AS project_id,
           array_agg(DISTINCT g.code) AS regions, array_agg(DISTINCT work.code) AS workloads, array_agg(DISTINCT e.name) AS endpoints,
           (sum(it_energy_nwh) / 1e12)::double precision AS it_energy,
           (sum(measured_nwh) / 1e12)::double precision AS measured_energy,
           CASE WHEN bool_and(x.pue IS NOT NULL OR it_energy_nwh = 0)
                THEN (coalesce(sum(it_energy_nwh * x.pue), 0) / 1e12)::double precision END AS facility_energy,
           CASE WHEN bool_and(x.price IS NOT NULL OR it_energy_nwh = 0)
                THEN (coalesce(sum(it_energy_nwh * x.price), 0) / 1e12)::double precision END AS energy_cost,
           CASE WHEN bool_and(x.price IS NOT NULL OR cost_open_nwh = 0)
                THEN (coalesce(sum(cost_nusd), 0) / 1e9 + coalesce(sum(cost_open_nwh * x.price), 0) / 1e12)::double precision END AS cost,
           CASE WHEN bool_and(x.location IS NOT NULL OR location_open_nwh = 0)
                THEN (coalesce(sum(carbon_location_ug), 0) / 1e9 + coalesce(sum(location_open_nwh * x.location), 0) / 1e15)::double precision
           END AS carbon_location,
           CASE WHEN bool_and(x.market IS NOT NULL OR market_open_nwh = 0)
                THEN (coalesce(sum(carbon_market_ug), 0) / 1e9 + coalesce(sum(market_open_nwh * x.market), 0) / 1e15)::double precision
           END AS carbon_market,
           (sum(gpu_microhours) / 1e6)::double precision AS gpu_hours
    FROM (SELECT f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id, x.valid_from AS factors_from, min(f.ts) AS first_event,
                 sum(f.it_energy_nwh) AS it_energy_nwh, coalesce(sum(f.it_energy_nwh) FILTER (WHERE f.measured), 0) AS measured_nwh,
                 sum(f.cost_nusd) AS cost_nusd, coalesce(sum(f.it_energy_nwh) FILTER (WHERE f.cost_nusd IS NULL), 0) AS cost_open_nwh,
                 sum(f.carbon_location_ug) AS carbon_location_ug,
                 coalesce(sum(f.it_energy_nwh) FILTER (WHERE f.carbon_location_ug IS NULL), 0) AS location_open_nwh,
                 sum(f.carbon_market_ug) AS carbon_market_ug,
                 coalesce(sum(f.it_energy_nwh) FILTER (WHERE f.carbon_market_ug IS NULL), 0) AS market_open_nwh,
                 sum(f.gpu_microhours) AS gpu_microhours
          FROM wattscore.inference_energy_fact f
          LEFT JOIN factor x ON x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
          WHERE f.run_id = r.run_id AND f.workload_id = ANY (ARRAY(SELECT workload_id FROM work))
          GROUP BY f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id, x.valid_from) AS f
    JOIN work USING (workload_id)
    JOIN wattscore.region g USING (region_id)
    JOIN wattscore.endpoint e USING (endpoint_id)
    LEFT JOIN factor x ON x.region_id = f.region_id AND x.valid_from = f.factors_from
) AS t
LEFT JOIN wattscore.model m ON m.model_id = coalesce(r.model_id, t.model_id)
LEFT JOIN wattscore.project p ON p.project_id = coalesce(r.project_id, t.project_id)
-- A run is one thing: it is kept whole where any of it was in the region asked for.
WHERE (@business_units::text[] IS NULL OR coalesce(p.business_unit, '__none__') = ANY (@business_units))
  AND (@teams::text[] IS NULL OR coalesce(p.team, '__none__') = ANY (@teams))
  AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
  AND (@models::text[] IS NULL OR m.name = ANY (@models))
  AND (@regions::text[] IS NULL OR t.regions && @regions)
  AND (@workloads::text[] IS NULL OR t.workloads && @workloads)
  AND (@endpoints::text[] IS NULL OR t.endpoints && @endpoints)
ORDER BY t.it_energy DESC NULLS LAST, r.run_id
