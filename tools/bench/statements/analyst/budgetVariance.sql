-- Emissions of each week that the period touches, beside its budget. Grain: a week.
SELECT u.week, b.kg::double precision AS budget, u.actual, u.actual - b.kg::double precision AS variance
FROM (
    SELECT date_trunc('week', f.ts AT TIME ZONE 'Europe/Berlin')::date AS week,
           sum(coalesce(f.carbon_location_ug / 1e9, f.it_energy_nwh * x.pue * x.grid_location / 1e15))::double precision AS actual
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.factor_version v ON v.in_force
    JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.ts >= date_trunc('week', @from_time::timestamptz, 'Europe/Berlin')
      AND f.ts < (date_trunc('week', (@to_time::timestamptz - interval '1 hour') AT TIME ZONE 'Europe/Berlin') + interval '7 days') AT TIME ZONE 'Europe/Berlin'
    GROUP BY 1
) AS u
LEFT JOIN wattscore.carbon_budget b ON b.week = u.week AND b.business_unit = ''
ORDER BY u.week
