-- As analyst/efficiencyTrend.sql, from the daily view.
SELECT d.day, CASE WHEN d.day >= @from_day::date THEN m.name END AS model,
       sum(d.requests)::bigint AS requests, sum(d.energy_kwh) AS energy_kwh, sum(d.energy_cost_usd) AS energy_cost_usd,
       CASE WHEN d.day >= @from_day::date THEN sum(d.energy_kwh) * 1000 / (sum(sum(d.requests)) OVER (PARTITION BY d.day))::double precision END AS actual
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
WHERE d.day >= (@from_day::date - interval '6 months')::date AND d.day < @to_day::date AND serves_requests
GROUP BY 1, 2
ORDER BY 1, 2
