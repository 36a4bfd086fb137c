-- The measures of each group in each period, priced with one factor version.
-- Grain: period x the asked dimensions. Reads whole days from rollup_day, the
-- hours at a period's edges from rollup_hour, and the facts that are not rolled
-- up yet, all in this one statement and so in one snapshot.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), bucketed AS (
    SELECT s.period, r.*
    FROM unnest(@hour_from::timestamptz[], @hour_to::timestamptz[], @hour_period::int[]) AS s (from_time, to_time, period)
    CROSS JOIN LATERAL (SELECT * FROM wattscore.rollup_hour WHERE bucket >= s.from_time AND bucket < s.to_time) AS r
    UNION ALL
    SELECT s.period, r.*
    FROM unnest(@day_from::timestamptz[], @day_to::timestamptz[], @day_period::int[]) AS s (from_time, to_time, period)
    CROSS JOIN LATERAL (SELECT * FROM wattscore.rollup_day WHERE bucket >= s.from_time AND bucket < s.to_time) AS r
    UNION ALL
    SELECT s.ordinal::int - 1, f.bucket, f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id, f.events, f.requests,
           f.input_tokens, f.output_tokens, f.it_energy_nwh, f.measured_energy_nwh, f.cost_nusd, f.cost_open_nwh,
           f.carbon_location_ug, f.carbon_location_open_nwh, f.carbon_market_ug, f.carbon_market_open_nwh,
           f.gpu_microhours, f.gpu_memory_microhours, f.latency_us, f.latency_requests
    FROM wattscore.fact_measure f
    JOIN unnest(@period_from::timestamptz[], @period_to::timestamptz[]) WITH ORDINALITY AS s (from_time, to_time, ordinal)
      ON f.ts >= s.from_time AND f.ts < s.to_time
    WHERE f.ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state)
      AND f.ts >= @earliest::timestamptz AND f.ts < @latest::timestamptz
), combination AS (
    SELECT b.period, b.model_id, b.project_id, b.region_id, b.endpoint_id, b.workload_id, x.valid_from AS factors_from,
           sum(b.events) AS events, sum(b.requests) AS requests, sum(b.input_tokens) AS input_tokens,
           sum(b.output_tokens) AS output_tokens, sum(b.it_energy_nwh) AS it_energy_nwh,
           sum(b.measured_energy_nwh) AS measured_energy_nwh, sum(b.cost_nusd) AS cost_nusd, sum(b.cost_open_nwh) AS cost_open_nwh,
           sum(b.carbon_location_ug) AS carbon_location_ug, sum(b.carbon_location_open_nwh) AS carbon_location_open_nwh,
           sum(b.carbon_market_ug) AS carbon_market_ug, sum(b.carbon_market_open_nwh) AS carbon_market_open_nwh,
           sum(b.gpu_microhours) AS gpu_microhours, sum(b.gpu_memory_microhours) AS gpu_memory_microhours,
           sum(b.latency_us) AS latency_us, sum(b.latency_requests) AS latency_requests
    FROM bucketed b
    CROSS JOIN pricing
    LEFT JOIN wattscore.factor_period x ON x.version_id = pricing.version_id AND x.region_id = b.region_id
                                       AND b.bucket >= x.valid_from AND b.bucket < x.valid_to
    GROUP BY b.period, b.model_id, b.project_id, b.region_id, b.endpoint_id, b.workload_id, x.valid_from
), priced AS (
    SELECT c.*,
           m.task_class, w.serves_requests, x.pue, x.electricity_price, x.grid_location, x.grid_market,
           i.wh_per_1k_requests,
           -- The members of the asked dimensions, in the order asked.
           ARRAY(SELECT coalesce(CASE d.dimension
                     WHEN 'businessUnit' THEN p.business_unit WHEN 'team' THEN p.team
                     WHEN 'productLine' THEN p.product_line WHEN 'costCentre' THEN p.cost_centre
                     WHEN 'owner' THEN p.owner WHEN 'project' THEN p.name
                     WHEN 'model' THEN m.name WHEN 'provider' THEN m.provider WHEN 'family' THEN m.family
                     WHEN 'taskClass' THEN m.task_class WHEN 'stage' THEN m.stage
                     WHEN 'region' THEN r.code WHEN 'endpoint' THEN e.name WHEN 'workload' THEN w.code
                 END, '__none__')
                 FROM unnest(@dimensions::text[]) WITH ORDINALITY AS d (dimension, place) ORDER BY d.place) AS members
    FROM combination c
    JOIN wattscore.model m USING (model_id)
    JOIN wattscore.project p USING (project_id)
    JOIN wattscore.region r USING (region_id)
    JOIN wattscore.endpoint e USING (endpoint_id)
    JOIN wattscore.workload w USING (workload_id)
    CROSS JOIN pricing
    LEFT JOIN wattscore.factor_period x ON x.version_id = pricing.version_id AND x.region_id = c.region_id
                                       AND x.valid_from = c.factors_from
    LEFT JOIN LATERAL (SELECT wh_per_1k_requests FROM wattscore.reference_intensity i
                       WHERE i.task_class = m.task_class AND i.valid_from <= @latest::timestamptz::date
                       ORDER BY i.valid_from DESC LIMIT 1) AS i ON true
    WHERE (@business_units::text[] IS NULL OR p.business_unit = ANY (@business_units))
      AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
      AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
      AND (@models::text[] IS NULL OR m.name = ANY (@models))
      AND (@regions::text[] IS NULL OR r.code = ANY (@regions))
      AND (@workloads::text[] IS NULL OR w.code = ANY (@workloads))
      AND (@endpoints::text[] IS NULL OR e.name = ANY (@endpoints))
)
SELECT period, members,
       sum(events)::bigint, sum(requests)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint,
       (sum(it_energy_nwh) / 1e12)::double precision,
       (sum(measured_energy_nwh) / 1e12)::double precision,
       -- A sum with a part that no factor covers is NULL, not too small.
       CASE WHEN bool_and(pue IS NOT NULL OR it_energy_nwh = 0)
            THEN (coalesce(sum(it_energy_nwh * pue), 0) / 1e12)::double precision END,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR it_energy_nwh = 0)
            THEN (coalesce(sum(it_energy_nwh * pue * electricity_price), 0) / 1e12)::double precision END,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR cost_open_nwh = 0)
            THEN (sum(cost_nusd) / 1e9 + coalesce(sum(cost_open_nwh * pue * electricity_price), 0) / 1e12)::double precision END,
       CASE WHEN bool_and(pue * grid_location IS NOT NULL OR carbon_location_open_nwh = 0)
            THEN (sum(carbon_location_ug) / 1e9 + coalesce(sum(carbon_location_open_nwh * pue * grid_location), 0) / 1e15)::double precision END,
       CASE WHEN bool_and(pue * grid_market IS NOT NULL OR carbon_market_open_nwh = 0)
            THEN (sum(carbon_market_ug) / 1e9 + coalesce(sum(carbon_market_open_nwh * pue * grid_market), 0) / 1e15)::double precision END,
       (sum(gpu_microhours) / 1e6)::double precision,
       (sum(gpu_memory_microhours) / 1e6)::double precision,
       coalesce(sum(requests) FILTER (WHERE serves_requests), 0)::bigint,
       coalesce(sum(input_tokens) FILTER (WHERE serves_requests), 0)::bigint,
       coalesce(sum(output_tokens) FILTER (WHERE serves_requests), 0)::bigint,
       (coalesce(sum(it_energy_nwh) FILTER (WHERE serves_requests), 0) / 1e12)::double precision,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR it_energy_nwh = 0 OR NOT serves_requests)
            THEN (coalesce(sum(it_energy_nwh * pue * electricity_price) FILTER (WHERE serves_requests), 0) / 1e12)::double precision END,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR cost_open_nwh = 0 OR NOT serves_requests)
            THEN (coalesce(sum(cost_nusd) FILTER (WHERE serves_requests), 0) / 1e9
                  + coalesce(sum(cost_open_nwh * pue * electricity_price) FILTER (WHERE serves_requests), 0) / 1e12)::double precision END,
       (coalesce(sum(it_energy_nwh) FILTER (WHERE serves_requests AND requests > 0 AND wh_per_1k_requests IS NOT NULL), 0) / 1e12)::double precision,
       -- Wh per 1,000 requests: requests / 1e3 * Wh / 1e3 = kWh.
       (coalesce(sum(requests * wh_per_1k_requests) FILTER (WHERE serves_requests AND requests > 0), 0) / 1e6)::double precision,
       (sum(latency_us) / 1e3)::double precision, sum(latency_requests)::bigint
FROM priced
GROUP BY period, members
ORDER BY period, members
