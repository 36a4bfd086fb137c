-- What the period took, by region, model and workload, scaled to a year. Grain: one
-- row each.
SELECT g.code AS region, m.name AS model, w.code AS workload,
       (sum(f.it_energy_nwh) / 1e12)::double precision * a.factor AS energy_kwh,
       (sum(f.it_energy_nwh * x.pue) / 1e12)::double precision * a.factor AS facility_kwh,
       (sum(f.it_energy_nwh * x.pue * x.electricity_price) / 1e12)::double precision * a.factor AS cost_usd,
       (sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15)) / 1000)::double precision * a.factor AS carbon_t
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.region g USING (region_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
CROSS JOIN (SELECT 365 * 86400 / extract(epoch FROM @to_time::timestamptz - @from_time::timestamptz)::double precision AS factor) AS a
WHERE f.ts >= @from_time AND f.ts < @to_time
GROUP BY 1, 2, 3, a.factor
