-- Training runs that overlap a span, each with all it took; grain: one row a run.
-- A run is known by its own row or by its events alone. What it took is read from its
-- days, whatever their time, and from the facts that are not rolled up yet, in this one
-- statement and so in one snapshot, and is priced with the factors of each day.
WITH zone AS (
    SELECT time_zone AS name FROM wattscore.calendar_setting
), factor AS MATERIALIZED (
    SELECT region_id, valid_from, valid_to, pue,
           pue * electricity_price AS price, pue * grid_location AS location, pue * grid_market AS market
    FROM wattscore.factor_period
    WHERE version_id = coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force))
), work AS MATERIALIZED (
    SELECT workload_id, code FROM wattscore.workload WHERE code = ANY (@training_workloads::text[])
), tail AS MATERIALIZED (
    SELECT * FROM wattscore.fact_tail('-infinity', 'infinity')
    WHERE run_id IS NOT NULL AND workload_id = ANY (ARRAY(SELECT workload_id FROM work))
), known AS MATERIALIZED (
    SELECT run_id FROM wattscore.training_run
    WHERE started_at < @to_time::timestamptz
      AND (coalesce(ended_at, 'infinity') > @from_time::timestamptz OR started_at >= @from_time)
), spoken_of AS (
    -- Runs with events on the days of the span that are not known to overlap it. A day
    -- that lies in it whole is evidence enough, unless something of it was taken out
    -- since, and so is one whose facts were dropped. A day with two midnights began an
    -- hour before its bucket.
    SELECT run_id, bool_or(sure) AS sure
    FROM (SELECT run_id, bucket >= @from_time AND bucket NOT IN (date_trunc('day', @from_time - interval '1 microsecond', zone.name), date_trunc('day', @to_time, zone.name))
                         AND (run_id, bucket) NOT IN (SELECT run_id, date_trunc('day', bucket, (SELECT name FROM zone)) FROM tail WHERE facts < 0)
                         OR bucket < @to_time AND bucket <= (SELECT last_event FROM wattscore.dropped_run dropped WHERE dropped.run_id = d.run_id) AS sure
          FROM wattscore.rollup_run_day d, zone
          WHERE bucket >= date_trunc('day', @from_time, zone.name) AND bucket <= date_trunc('day', @to_time, zone.name) AND facts <> 0
            AND workload_id = ANY (ARRAY(SELECT workload_id FROM work))
          UNION ALL
          SELECT run_id, false FROM tail WHERE ts >= @from_time AND ts < @to_time) AS day
    WHERE run_id NOT IN (SELECT run_id FROM known)
    GROUP BY run_id
), seen AS (
    SELECT run_id FROM known
    UNION ALL
    SELECT s.run_id FROM spoken_of s
    WHERE s.sure OR EXISTS (SELECT FROM wattscore.inference_energy_fact f
                            WHERE f.run_id = s.run_id AND f.ts >= @from_time AND f.ts < @to_time AND f.workload_id = ANY (ARRAY(SELECT workload_id FROM work)))
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
), piece AS (
    SELECT run_id, d.bucket, model_id, project_id, region_id, endpoint_id, workload_id, facts, it_energy_nwh, measured_energy_nwh, cost_nusd, cost_open_nwh,
           carbon_location_ug, carbon_location_open_nwh, carbon_market_ug, carbon_market_open_nwh, gpu_microhours
    FROM wattscore.rollup_run_day d
    WHERE run_id IN (SELECT run_id FROM run) AND workload_id = ANY (ARRAY(SELECT workload_id FROM work))
    UNION ALL
    SELECT run_id, date_trunc('day', bucket, zone.name), model_id, project_id, region_id, endpoint_id, workload_id, facts, it_energy_nwh, measured_energy_nwh,
           cost_nusd, cost_open_nwh, carbon_location_ug, carbon_location_open_nwh, carbon_market_ug, carbon_market_open_nwh, gpu_microhours
    FROM tail, zone
    WHERE run_id IN (SELECT run_id FROM run)
), combined AS (
    -- What has the same factors, added up before it is priced; what was all taken out
    -- again is none of the run.
    SELECT p.run_id, p.model_id, p.project_id, p.region_id, p.endpoint_id, p.workload_id, x.valid_from AS factors_from,
           sum(it_energy_nwh) AS it_energy_nwh, sum(measured_energy_nwh) AS measured_nwh,
           sum(cost_nusd) AS cost_nusd, sum(cost_open_nwh) AS cost_open_nwh,
           sum(carbon_location_ug) AS carbon_location_ug, sum(carbon_location_open_nwh) AS location_open_nwh,
           sum(carbon_market_ug) AS carbon_market_ug, sum(carbon_market_open_nwh) AS market_open_nwh, sum(gpu_microhours) AS gpu_microhours
    FROM piece p
    LEFT JOIN factor x ON x.region_id = p.region_id AND p.bucket >= x.valid_from AND p.bucket < x.valid_to
    GROUP BY p.run_id, p.model_id, p.project_id, p.region_id, p.endpoint_id, p.workload_id, x.valid_from
    HAVING sum(p.facts) <> 0
), taken AS (
    -- A sum with a part that no factor covers is NULL, not too small.
    SELECT c.run_id, array_agg(DISTINCT c.region_id) AS regions, array_agg(DISTINCT work.code) AS workloads, array_agg(DISTINCT c.endpoint_id) AS endpoints,
           (sum(it_energy_nwh) / 1e12)::double precision AS it_energy,
           (sum(measured_nwh) / 1e12)::double precision AS measured_energy,
           CASE WHEN bool_and(x.pue IS NOT NULL OR it_energy_nwh = 0)
                THEN (coalesce(sum(it_energy_nwh * x.pue), 0) / 1e12)::double precision END AS facility_energy,
           CASE WHEN bool_and(x.price IS NOT NULL OR it_energy_nwh = 0)
                THEN (coalesce(sum(it_energy_nwh * x.price), 0) / 1e12)::double precision END AS energy_cost,
           CASE WHEN bool_and(x.price IS NOT NULL OR cost_open_nwh = 0)
                THEN (sum(cost_nusd) / 1e9 + coalesce(sum(cost_open_nwh * x.price), 0) / 1e12)::double precision END AS cost,
           CASE WHEN bool_and(x.location IS NOT NULL OR location_open_nwh = 0)
                THEN (sum(carbon_location_ug) / 1e9 + coalesce(sum(location_open_nwh * x.location), 0) / 1e15)::double precision
           END AS carbon_location,
           CASE WHEN bool_and(x.market IS NOT NULL OR market_open_nwh = 0)
                THEN (sum(carbon_market_ug) / 1e9 + coalesce(sum(market_open_nwh * x.market), 0) / 1e15)::double precision
           END AS carbon_market,
           (sum(gpu_microhours) / 1e6)::double precision AS gpu_hours
    FROM combined c
    JOIN work USING (workload_id)
    LEFT JOIN factor x ON x.region_id = c.region_id AND x.valid_from = c.factors_from
    GROUP BY c.run_id
)
SELECT r.run_id, coalesce(m.name, '__none__'), coalesce(p.name, '__none__'), coalesce(p.business_unit, '__none__'),
       coalesce(r.feature, ''), r.recorded,
       coalesce(r.started_at, first.ts), r.ended_at, r.gpu_count, coalesce(r.gpu_model, ''),
       r.accuracy, coalesce(r.accuracy_metric, ''),
       CASE WHEN t.workloads = ARRAY['evaluation'] THEN NULL ELSE r.previous_accuracy END, -- which measures and gains nothing
       t.it_energy, t.measured_energy, t.facility_energy, t.energy_cost, t.cost, t.carbon_location, t.carbon_market, t.gpu_hours
FROM run r
LEFT JOIN taken t USING (run_id) -- none for a run without events: NULL throughout
LEFT JOIN LATERAL (
    -- Where its own row does not say it, a run began as its first event.
    SELECT ts, model_id, project_id
    FROM (SELECT first_event AS ts, model_id, project_id FROM wattscore.dropped_run dropped WHERE dropped.run_id = r.run_id
          UNION ALL
          (SELECT f.ts, f.model_id, f.project_id
           FROM wattscore.inference_energy_fact f
           WHERE f.run_id = r.run_id AND f.workload_id = ANY (ARRAY(SELECT workload_id FROM work))
           ORDER BY f.ts, f.model_id, f.project_id
           LIMIT 1)) AS event
    WHERE r.started_at IS NULL OR r.model_id IS NULL OR r.project_id IS NULL
    ORDER BY ts
    LIMIT 1
) AS first ON true
LEFT JOIN wattscore.model m ON m.model_id = coalesce(r.model_id, first.model_id)
LEFT JOIN wattscore.project p ON p.project_id = coalesce(r.project_id, first.project_id)
WHERE (r.recorded OR t.run_id IS NOT NULL)
  AND (@business_units::text[] IS NULL OR coalesce(p.business_unit, '__none__') = ANY (@business_units))
  AND (@teams::text[] IS NULL OR coalesce(p.team, '__none__') = ANY (@teams))
  AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
  AND (@models::text[] IS NULL OR m.name = ANY (@models))
  -- A run is one thing: it is kept whole where any of it was in the region asked for.
  AND (@regions::text[] IS NULL OR t.regions && ARRAY(SELECT region_id FROM wattscore.region WHERE code = ANY (@regions)))
  AND (@workloads::text[] IS NULL OR t.workloads && @workloads)
  AND (@endpoints::text[] IS NULL OR t.endpoints && ARRAY(SELECT endpoint_id FROM wattscore.endpoint WHERE name = ANY (@endpoints)))
ORDER BY t.it_energy DESC NULLS LAST, r.run_id
