-- The figures of the business KPIs that come from facts, now and before, and the
-- rank correlation of breaches and cost by the hour. Grain: a period.
WITH hour AS (
    SELECT f.ts >= @from_time AS is_current, date_trunc('hour', f.ts) AS hour, w.serves_requests,
           sum(f.requests) AS requests, sum(f.output_tokens) AS output_tokens, sum(f.it_energy_nwh) / 1e12 AS energy_kwh,
           sum(f.it_energy_nwh * x.pue) / 1e12 AS facility_kwh, sum(f.it_energy_nwh * x.pue * x.electricity_price) / 1e12 AS energy_cost_usd,
           sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15)) AS carbon_kg,
           sum(f.gpu_memory_microhours) / 1e6 AS gpu_memory_hours, sum(f.gpu_microhours) / 1e6 AS gpu_hours,
           sum(f.requests * m.parameters_billion) AS sized, sum(f.requests * m.accuracy) AS accurate,
           sum(f.requests) FILTER (WHERE f.latency_us IS NOT NULL) AS judged,
           sum(f.requests) FILTER (WHERE f.latency_us > m.latency_slo_ms * 1000) AS breaches
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.model m USING (model_id)
    JOIN wattscore.workload w USING (workload_id)
    JOIN wattscore.factor_version v ON v.in_force
    JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.ts >= @previous_from AND f.ts < @to_time
    GROUP BY 1, 2, 3
), ranked AS (
    SELECT *, CASE WHEN serves_requests THEN rank() OVER (PARTITION BY is_current, serves_requests ORDER BY breaches::double precision / nullif(judged, 0)) END AS breach_rank,
           CASE WHEN serves_requests THEN rank() OVER (PARTITION BY is_current, serves_requests ORDER BY energy_cost_usd / nullif(requests, 0)) END AS cost_rank
    FROM hour
)
SELECT is_current,
       CASE WHEN is_current THEN (sum(energy_kwh) FILTER (WHERE serves_requests) * 1000 / sum(requests) FILTER (WHERE serves_requests))::double precision END AS energy_to_solution,
       (sum(energy_cost_usd) FILTER (WHERE serves_requests) / sum(requests) FILTER (WHERE serves_requests))::double precision AS cost_per_transaction,
       (sum(energy_kwh) FILTER (WHERE serves_requests) * 1e6 / sum(output_tokens) FILTER (WHERE serves_requests))::double precision AS kwh_per_1m_tokens,
       sum(carbon_kg)::double precision AS carbon_kg, (sum(energy_kwh) / sum(facility_kwh))::double precision AS sustainability,
       sum(gpu_memory_hours)::double precision AS gpu_memory_hours, sum(gpu_hours)::double precision AS gpu_hours,
       sum(accurate) FILTER (WHERE serves_requests) / sum(sized) FILTER (WHERE serves_requests) AS accuracy_per_billion,
       corr(breach_rank, cost_rank) AS trade_off
FROM ranked
GROUP BY is_current
