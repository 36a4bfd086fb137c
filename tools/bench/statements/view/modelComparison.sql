-- As analyst/modelComparison.sql, from the daily view.
SELECT m.name AS model, m.task_class, m.accuracy, m.parameters_billion, sum(d.requests)::bigint AS requests,
       sum(d.energy_kwh) FILTER (WHERE serves_requests) * 1000 / nullif(sum(d.requests) FILTER (WHERE serves_requests), 0)::double precision AS kwh_per_1k_requests,
       sum(d.energy_cost_usd) FILTER (WHERE serves_requests) * 1000 / nullif(sum(d.requests) FILTER (WHERE serves_requests), 0)::double precision AS cost_per_1k_requests_usd
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
WHERE d.day >= @from_day::date AND d.day < @to_day::date AND m.stage = 'production' AND m.name NOT LIKE '\_\_%'
GROUP BY m.model_id
