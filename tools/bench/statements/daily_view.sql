-- A plain daily materialised view of the facts, priced when it is made. Grain: day
-- of the company's zone x model x project x region x endpoint x workload.
CREATE MATERIALIZED VIEW bench.daily AS
SELECT (f.ts AT TIME ZONE 'Europe/Berlin')::date AS day, f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id, w.serves_requests,
       sum(f.requests)::bigint AS requests, sum(f.input_tokens)::bigint AS input_tokens, sum(f.output_tokens)::bigint AS output_tokens,
       (sum(f.it_energy_nwh) / 1e12)::double precision AS energy_kwh,
       (sum(f.it_energy_nwh * x.pue) / 1e12)::double precision AS facility_kwh,
       (sum(f.it_energy_nwh * x.pue * x.electricity_price) / 1e12)::double precision AS energy_cost_usd,
       sum(coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12))::double precision AS cost_usd,
       sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15))::double precision AS carbon_location_kg,
       sum(coalesce(f.carbon_market_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_market / 1e15))::double precision AS carbon_market_kg,
       (sum(f.gpu_microhours) / 1e6)::double precision AS gpu_hours, (sum(f.gpu_memory_microhours) / 1e6)::double precision AS gpu_memory_hours
FROM wattscore.inference_energy_fact f
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1;
CREATE INDEX ON bench.daily (day);
ANALYZE bench.daily;
