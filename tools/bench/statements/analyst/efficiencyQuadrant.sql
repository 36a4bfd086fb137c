-- Each production model's criticality beside its score. Grain: a model.
SELECT m.name AS model, m.business_criticality, sum(f.requests)::bigint AS requests, (sum(f.it_energy_nwh) / 1e12)::double precision AS energy_kwh,
       sum(coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12))::double precision AS cost_usd,
       (100 / (1 + sum(f.it_energy_nwh) FILTER (WHERE w.serves_requests)
                   / nullif(sum(f.requests * i.wh_per_1k_requests) FILTER (WHERE w.serves_requests) * 1e6, 0)))::double precision AS score
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.reference_intensity i USING (task_class)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @from_time AND f.ts < @to_time AND m.stage = 'production' AND m.business_criticality IS NOT NULL
GROUP BY m.model_id
