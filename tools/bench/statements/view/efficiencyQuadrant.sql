-- As analyst/efficiencyQuadrant.sql, from the daily view.
SELECT m.name AS model, m.business_criticality, sum(d.requests)::bigint AS requests, sum(d.energy_kwh) AS energy_kwh, sum(d.cost_usd) AS cost_usd,
       100 / (1 + sum(d.energy_kwh) FILTER (WHERE serves_requests) * 1e6::double precision
                  / nullif(sum(d.requests * i.wh_per_1k_requests) FILTER (WHERE serves_requests), 0)::double precision) AS score
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
JOIN wattscore.reference_intensity i USING (task_class)
WHERE d.day >= @from_day::date AND d.day < @to_day::date AND m.stage = 'production' AND m.business_criticality IS NOT NULL
GROUP BY m.model_id
