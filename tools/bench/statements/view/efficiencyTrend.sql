-- As analyst/efficiencyTrend.sql, from the daily view.
WITH used AS (
    SELECT day, model_id, sum(requests)::double precision AS requests, sum(energy_kwh) AS energy_kwh, sum(energy_cost_usd) AS energy_cost_usd
    FROM bench.daily
    WHERE day >= (@from_day::date - interval '6 months')::date AND day < @to_day::date AND serves_requests
    GROUP BY 1, 2
), baseline AS (
    SELECT model_id, sum(energy_kwh) * 1000 / sum(requests) AS kwh_per_1k
    FROM used WHERE day >= @previous_day::date AND day < @from_day::date
    GROUP BY 1
)
SELECT u.day, sum(u.energy_kwh) * 1000 / sum(u.requests) AS history,
       CASE WHEN u.day >= @from_day::date THEN sum(u.energy_kwh) * 1000 / sum(u.requests) END AS actual,
       CASE WHEN u.day >= @from_day::date
            THEN sum(sum((b.kwh_per_1k * u.requests / 1000 - u.energy_kwh) * u.energy_cost_usd / u.energy_kwh) FILTER (WHERE u.day >= @from_day::date))
                 OVER (ORDER BY u.day) END AS cost_avoided_usd
FROM used u
LEFT JOIN baseline b USING (model_id)
GROUP BY u.day
ORDER BY u.day
