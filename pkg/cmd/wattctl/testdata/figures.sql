-- Requests, kWh, USD and kg CO2e by project, from the facts; grain: one row a project.
WITH factor AS (
    SELECT f.event_id, f.ts, q.quantity,
           (SELECT x.value
            FROM wattscore.region_factor x
            JOIN wattscore.region o ON o.region_id = x.region_id
            WHERE x.version_id = 1 AND x.quantity = q.quantity AND o.code IN (r.code, r.country_code) AND x.valid_from <= f.ts::date
            ORDER BY (o.code = r.code) DESC, x.valid_from DESC LIMIT 1) AS value
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.region r USING (region_id)
    CROSS JOIN (VALUES ('pue'), ('electricity_price'), ('grid_location')) AS q (quantity)
)
SELECT p.name,
       sum(f.requests)::float8,
       (sum(f.it_energy_nwh) / 1e12)::float8,
       sum(coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * pue.value * price.value / 1e12))::float8,
       sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * pue.value * grid.value / 1e15))::float8
FROM wattscore.inference_energy_fact f
JOIN wattscore.project p USING (project_id)
JOIN factor pue ON pue.event_id = f.event_id AND pue.ts = f.ts AND pue.quantity = 'pue'
JOIN factor price ON price.event_id = f.event_id AND price.ts = f.ts AND price.quantity = 'electricity_price'
JOIN factor grid ON grid.event_id = f.event_id AND grid.ts = f.ts AND grid.quantity = 'grid_location'
GROUP BY p.name
