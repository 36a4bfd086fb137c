-- The events behind an answer, the largest first, with how many there are in all;
-- grain: one row a fact. Reads the facts themselves: for an audit, not a dashboard.
SELECT v.event_id::text, v.slice, v.ts, v.model, v.project, v.region, coalesce(v.endpoint, ''), v.workload, coalesce(v.run_id, ''),
       v.requests, v.output_tokens, v.it_energy_kwh::double precision, v.facility_energy_kwh::double precision,
       v.cost_usd::double precision, v.carbon_location_kg::double precision, v.quality, v.source,
       count(*) OVER (), (sum(v.it_energy_kwh) OVER ())::double precision
FROM wattscore.event v
WHERE v.ts >= @from_time::timestamptz AND v.ts < @to_time::timestamptz
  AND (@business_units::text[] IS NULL OR coalesce(v.business_unit, '__none__') = ANY (@business_units))
  AND (@teams::text[] IS NULL OR coalesce(v.team, '__none__') = ANY (@teams))
  AND (@projects::text[] IS NULL OR v.project = ANY (@projects))
  AND (@models::text[] IS NULL OR v.model = ANY (@models))
  AND (@regions::text[] IS NULL OR v.region = ANY (@regions))
  AND (@workloads::text[] IS NULL OR v.workload = ANY (@workloads))
  AND (@endpoints::text[] IS NULL OR v.endpoint = ANY (@endpoints))
ORDER BY v.it_energy_kwh DESC, v.ts, v.event_id
LIMIT @row_limit::int
