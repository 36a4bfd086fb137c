-- As analyst/whatIf.sql, from the daily view.
SELECT g.code AS region, m.name AS model, w.code AS workload, sum(d.energy_kwh) * a.factor AS energy_kwh, sum(d.facility_kwh) * a.factor AS facility_kwh,
       sum(d.energy_cost_usd) * a.factor AS cost_usd, sum(d.carbon_location_kg) / 1000 * a.factor AS carbon_t
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
JOIN wattscore.region g USING (region_id)
JOIN wattscore.workload w USING (workload_id)
CROSS JOIN (SELECT 365 * 86400 / extract(epoch FROM @to_time::timestamptz - @from_time::timestamptz)::double precision AS factor) AS a
WHERE d.day >= @from_day::date AND d.day < @to_day::date
GROUP BY 1, 2, 3, a.factor
