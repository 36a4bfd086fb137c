-- What the runs took that overlap the period. Grain: a run.
SELECT r.run_id, r.feature, r.started_at, r.ended_at, r.gpu_count, r.accuracy,
       (sum(f.it_energy_nwh) / 1e12)::double precision AS energy_kwh,
       sum(coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12))::double precision AS cost_usd,
       sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15))::double precision AS carbon_kg
FROM wattscore.training_run r
JOIN wattscore.inference_energy_fact f USING (run_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE r.started_at < @to_time AND coalesce(r.ended_at, 'infinity') > @from_time
GROUP BY r.run_id
