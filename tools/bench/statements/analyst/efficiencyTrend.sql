-- Energy per 1,000 requests by day, with the six months before to forecast from,
-- and each model's by day for the cost avoided against the period before. Grain: a
-- day and model, those before the period in one row a day.
SELECT date_trunc('day', f.ts, 'Europe/Berlin') AS day, CASE WHEN f.ts >= @from_time THEN m.name END AS model,
       sum(f.requests)::bigint AS requests, (sum(f.it_energy_nwh) / 1e12)::double precision AS energy_kwh,
       sum(f.it_energy_nwh * x.pue * x.electricity_price / 1e12)::double precision AS energy_cost_usd,
       -- The day's own, in each of its rows' part.
       CASE WHEN f.ts >= @from_time THEN (sum(f.it_energy_nwh) / 1e9 / sum(sum(f.requests)) OVER (PARTITION BY date_trunc('day', f.ts, 'Europe/Berlin')))::double precision END AS actual
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @from_time::timestamptz - interval '6 months' AND f.ts < @to_time AND w.serves_requests
GROUP BY 1, 2, f.ts >= @from_time
ORDER BY 1, 2
