-- Accuracy against energy per request of the models in production. Grain: a model.
SELECT m.name AS model, m.task_class, m.accuracy, m.parameters_billion, sum(f.requests)::bigint AS requests,
       (sum(f.it_energy_nwh) FILTER (WHERE w.serves_requests) / 1e9 / nullif(sum(f.requests) FILTER (WHERE w.serves_requests), 0))::double precision AS kwh_per_1k_requests,
       (sum(f.it_energy_nwh * x.pue * x.electricity_price) FILTER (WHERE w.serves_requests) / 1e9
        / nullif(sum(f.requests) FILTER (WHERE w.serves_requests), 0))::double precision AS cost_per_1k_requests_usd
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @from_time AND f.ts < @to_time AND m.stage = 'production' AND m.name NOT LIKE '\_\_%'
GROUP BY m.model_id
