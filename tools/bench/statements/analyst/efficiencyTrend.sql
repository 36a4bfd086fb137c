-- Energy per 1,000 requests by day, with the six months before to forecast from, and the
-- energy cost avoided so far against each model's energy per request in the period
-- before. Grain: a day.
WITH used AS (
    SELECT (f.ts AT TIME ZONE 'Europe/Berlin')::date AS day, f.model_id, sum(f.requests)::double precision AS requests,
           (sum(f.it_energy_nwh) / 1e12)::double precision AS energy_kwh,
           (sum(f.it_energy_nwh * x.pue * x.electricity_price) / 1e12)::double precision AS energy_cost_usd
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.workload w USING (workload_id)
    JOIN wattscore.factor_version v ON v.in_force
    JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.ts >= @from_time::timestamptz - interval '6 months' AND f.ts < @to_time AND w.serves_requests
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
