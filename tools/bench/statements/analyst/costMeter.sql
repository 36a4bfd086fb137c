-- Spend of the period's last day, its last hour and the three hours before it, and
-- the same weekday of the four weeks before. Grain: one row.
WITH priced AS (
    SELECT f.ts, coalesce(f.cost_nusd / 1e9, f.it_energy_nwh * x.pue * x.electricity_price / 1e12) AS usd
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.workload w USING (workload_id)
    JOIN wattscore.factor_version v ON v.in_force
    JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
    WHERE f.ts >= @to_time::timestamptz - interval '29 days' AND f.ts < @to_time AND w.serves_requests
)
SELECT sum(usd) FILTER (WHERE ts >= @to_time::timestamptz - interval '1 day')::double precision AS spend_day_usd,
       sum(usd) FILTER (WHERE ts >= @to_time::timestamptz - interval '1 hour')::double precision AS spend_hour_usd,
       (sum(usd) FILTER (WHERE ts >= @to_time::timestamptz - interval '4 hours' AND ts < @to_time::timestamptz - interval '1 hour') / 3)::double precision AS burn_usd_per_hour,
       (sum(usd) FILTER (WHERE extract(isodow FROM ts AT TIME ZONE 'Europe/Berlin') = extract(isodow FROM (@to_time::timestamptz - interval '1 hour') AT TIME ZONE 'Europe/Berlin')
                               AND ts < @to_time::timestamptz - interval '1 day') / 4)::double precision AS usual_day_usd
FROM priced
