-- Emissions by business unit and AI service. Grain: a unit and workload.
SELECT p.business_unit, w.code AS workload,
       (sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15)) / 1000)::double precision AS total_t
FROM wattscore.inference_energy_fact f
JOIN wattscore.project p USING (project_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @from_time AND f.ts < @to_time
GROUP BY p.business_unit, w.code
