-- The measures of each group in each period, priced with one factor version.
-- Grain: period x the asked dimensions. Reads whole months, days and hours from
-- their roll-ups, and the facts that are not rolled up yet, all in this one
-- statement and so in one snapshot. A month is also the whole month less a few
-- days (a piece of sign -1): measures are integers, so what is subtracted is what
-- was added, to the last bit.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), month_piece AS MATERIALIZED (
    SELECT s.*,
           -- A month in which a factor changes is read by its days.
           EXISTS (SELECT FROM wattscore.factor_period x, pricing
                   WHERE x.version_id = pricing.version_id AND x.valid_from > s.from_time AND x.valid_from < s.to_time) AS by_day
    FROM unnest(@month_from::timestamptz[], @month_to::timestamptz[], @month_period::int[], @month_sign::int[]) AS s (from_time, to_time, period, sign)
), bucketed AS (
    SELECT s.period, s.sign, r.*
    FROM month_piece AS s
    CROSS JOIN LATERAL (SELECT * FROM wattscore.rollup_month WHERE bucket = s.from_time /* filter */) AS r
    WHERE NOT s.by_day
    UNION ALL
    SELECT s.period, s.sign, r.*
    FROM (SELECT from_time, to_time, period, sign FROM month_piece WHERE by_day
          UNION ALL
          SELECT * FROM unnest(@day_from::timestamptz[], @day_to::timestamptz[], @day_period::int[], @day_sign::int[])) AS s (from_time, to_time, period, sign)
    CROSS JOIN LATERAL (SELECT * FROM wattscore.rollup_day WHERE bucket >= s.from_time AND bucket < s.to_time /* filter */) AS r
    UNION ALL
    SELECT s.period, s.sign, r.*
    FROM unnest(@hour_from::timestamptz[], @hour_to::timestamptz[], @hour_period::int[], @hour_sign::int[]) AS s (from_time, to_time, period, sign)
    CROSS JOIN LATERAL (SELECT * FROM wattscore.rollup_hour WHERE bucket >= s.from_time AND bucket < s.to_time /* filter */) AS r
    UNION ALL
    SELECT s.ordinal::int - 1, 1, f.bucket, f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id, f.events, f.requests,
           f.input_tokens, f.output_tokens, f.it_energy_nwh, f.measured_energy_nwh, f.cost_nusd, f.cost_open_nwh,
           f.carbon_location_ug, f.carbon_location_open_nwh, f.carbon_market_ug, f.carbon_market_open_nwh,
           f.gpu_microhours, f.gpu_memory_microhours, f.latency_us, f.latency_requests
    FROM (SELECT * FROM wattscore.fact_measure
          WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state)
            AND ts >= @earliest::timestamptz AND ts < @latest::timestamptz /* filter */) AS f
    JOIN unnest(@period_from::timestamptz[], @period_to::timestamptz[]) WITH ORDINALITY AS s (from_time, to_time, ordinal)
      ON f.ts >= s.from_time AND f.ts < s.to_time
), combination AS (
    SELECT b.period, b.model_id, b.project_id, b.region_id, b.endpoint_id, b.workload_id, x.valid_from AS factors_from,
           sum(b.sign * b.events) AS events, sum(b.sign * b.requests) AS requests, sum(b.sign * b.input_tokens) AS input_tokens,
           sum(b.sign * b.output_tokens) AS output_tokens, sum(b.sign * b.it_energy_nwh) AS it_energy_nwh,
           sum(b.sign * b.measured_energy_nwh) AS measured_energy_nwh,
           sum(b.sign * b.cost_nusd) AS cost_nusd, sum(b.sign * b.cost_open_nwh) AS cost_open_nwh,
           sum(b.sign * b.carbon_location_ug) AS carbon_location_ug, sum(b.sign * b.carbon_location_open_nwh) AS carbon_location_open_nwh,
           sum(b.sign * b.carbon_market_ug) AS carbon_market_ug, sum(b.sign * b.carbon_market_open_nwh) AS carbon_market_open_nwh,
           sum(b.sign * b.gpu_microhours) AS gpu_microhours, sum(b.sign * b.gpu_memory_microhours) AS gpu_memory_microhours,
           sum(b.sign * b.latency_us) AS latency_us, sum(b.sign * b.latency_requests) AS latency_requests
    FROM bucketed b
    LEFT JOIN (SELECT region_id, valid_from, valid_to FROM wattscore.factor_period NATURAL JOIN pricing) AS x
           ON x.region_id = b.region_id AND b.bucket >= x.valid_from AND b.bucket < x.valid_to
    GROUP BY b.period, b.model_id, b.project_id, b.region_id, b.endpoint_id, b.workload_id, x.valid_from
    -- What was all subtracted or taken out again is no usage.
    HAVING sum(b.sign * b.events) <> 0 OR sum(b.sign * b.it_energy_nwh) <> 0 OR sum(b.sign * b.requests) <> 0
), factored AS (
    -- The combinations of one group with the same factors and reference.
    SELECT c.period, /* members */ AS members, c.region_id, c.factors_from, m.task_class, w.serves_requests,
           sum(events) AS events, sum(requests) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
           sum(it_energy_nwh) AS it_energy_nwh, sum(measured_energy_nwh) AS measured_energy_nwh,
           sum(it_energy_nwh) FILTER (WHERE requests > 0) AS requested_nwh,
           sum(cost_nusd) AS cost_nusd, sum(cost_open_nwh) AS cost_open_nwh,
           sum(carbon_location_ug) AS carbon_location_ug, sum(carbon_location_open_nwh) AS carbon_location_open_nwh,
           sum(carbon_market_ug) AS carbon_market_ug, sum(carbon_market_open_nwh) AS carbon_market_open_nwh,
           sum(gpu_microhours) AS gpu_microhours, sum(gpu_memory_microhours) AS gpu_memory_microhours,
           sum(latency_us) AS latency_us, sum(latency_requests) AS latency_requests
    FROM combination c
    JOIN wattscore.model m USING (model_id)
    JOIN wattscore.workload w USING (workload_id) /* joins */
    GROUP BY c.period, members, c.region_id, c.factors_from, m.task_class, w.serves_requests
), reference AS (
    SELECT DISTINCT ON (task_class) task_class, wh_per_1k_requests
    FROM wattscore.reference_intensity
    WHERE valid_from <= @latest::timestamptz::date
    ORDER BY task_class, valid_from DESC
), priced AS (
    SELECT f.*, x.pue, x.electricity_price, x.grid_location, x.grid_market, i.wh_per_1k_requests
    FROM factored f
    CROSS JOIN pricing
    LEFT JOIN wattscore.factor_period x ON x.version_id = pricing.version_id AND x.region_id = f.region_id AND x.valid_from = f.factors_from
    LEFT JOIN reference i USING (task_class)
)
SELECT period, members,
       sum(events)::bigint, sum(requests)::bigint, coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint,
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
       (coalesce(sum(gpu_microhours), 0) / 1e6)::double precision,
       (coalesce(sum(gpu_memory_microhours), 0) / 1e6)::double precision,
       coalesce(sum(requests) FILTER (WHERE serves_requests), 0)::bigint,
       coalesce(sum(input_tokens) FILTER (WHERE serves_requests), 0)::bigint,
       coalesce(sum(output_tokens) FILTER (WHERE serves_requests), 0)::bigint,
       (coalesce(sum(it_energy_nwh) FILTER (WHERE serves_requests), 0) / 1e12)::double precision,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR it_energy_nwh = 0 OR NOT serves_requests)
            THEN (coalesce(sum(it_energy_nwh * pue * electricity_price) FILTER (WHERE serves_requests), 0) / 1e12)::double precision END,
       CASE WHEN bool_and(pue * electricity_price IS NOT NULL OR cost_open_nwh = 0 OR NOT serves_requests)
            THEN (coalesce(sum(cost_nusd) FILTER (WHERE serves_requests), 0) / 1e9
                  + coalesce(sum(cost_open_nwh * pue * electricity_price) FILTER (WHERE serves_requests), 0) / 1e12)::double precision END,
       (coalesce(sum(requested_nwh) FILTER (WHERE serves_requests AND wh_per_1k_requests IS NOT NULL), 0) / 1e12)::double precision,
       -- Wh per 1,000 requests: requests / 1e3 * Wh / 1e3 = kWh.
       (coalesce(sum(requests * wh_per_1k_requests) FILTER (WHERE serves_requests), 0) / 1e6)::double precision,
       (coalesce(sum(latency_us), 0) / 1e3)::double precision, coalesce(sum(latency_requests), 0)::bigint
FROM priced
GROUP BY period, members
ORDER BY period, members
