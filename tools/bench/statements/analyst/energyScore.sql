-- Energy, cost, carbon and score of each model in a period, with its score in the
-- one before. Grain: a model.
WITH used AS (
    SELECT f.model_id, f.ts >= @from_time AS is_current, w.serves_requests,
           sum(f.requests) AS requests, sum(f.output_tokens) AS output_tokens, sum(f.it_energy_nwh) / 1e12 AS energy_kwh,
           sum(coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12)) AS cost_usd,
           sum(f.it_energy_nwh * x.pue * x.electricity_price / 1e12) AS energy_cost_usd,
           sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15)) AS carbon_kg
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.workload w USING (workload_id)
    JOIN wattscore.factor_version v ON v.in_force
    JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.ts >= @previous_from AND f.ts < @to_time
    GROUP BY 1, 2, 3
)
SELECT m.name AS model, sum(u.requests) FILTER (WHERE is_current)::bigint AS requests, sum(energy_kwh) FILTER (WHERE is_current)::double precision AS energy_kwh,
       (sum(energy_kwh) FILTER (WHERE is_current AND serves_requests) * 1e3 / nullif(sum(requests) FILTER (WHERE is_current AND serves_requests), 0))::double precision AS kwh_per_1k_requests,
       (sum(energy_kwh) FILTER (WHERE is_current AND serves_requests) * 1e6 / nullif(sum(output_tokens) FILTER (WHERE is_current AND serves_requests), 0))::double precision AS kwh_per_1m_tokens,
       sum(cost_usd) FILTER (WHERE is_current)::double precision AS cost_usd,
       (sum(energy_cost_usd) FILTER (WHERE is_current AND serves_requests) / nullif(sum(requests) FILTER (WHERE is_current AND serves_requests), 0))::double precision AS cost_per_transaction_usd,
       sum(carbon_kg) FILTER (WHERE is_current)::double precision AS carbon_kg,
       (100 / (1 + sum(energy_kwh) FILTER (WHERE is_current AND serves_requests) * 1e6
                   / nullif(sum(requests * i.wh_per_1k_requests) FILTER (WHERE is_current AND serves_requests), 0)))::double precision AS score,
       (100 / (1 + sum(energy_kwh) FILTER (WHERE NOT is_current AND serves_requests) * 1e6
                   / nullif(sum(requests * i.wh_per_1k_requests) FILTER (WHERE NOT is_current AND serves_requests), 0)))::double precision AS previous_score
FROM used u
JOIN wattscore.model m USING (model_id)
LEFT JOIN wattscore.reference_intensity i USING (task_class)
GROUP BY m.name
HAVING bool_or(is_current)
ORDER BY energy_kwh DESC
