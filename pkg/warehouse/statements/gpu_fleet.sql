-- The newest sample of each GPU that has one since a time, its energy of this hour and
-- day, and what prices its energy; grain: one row a GPU.
WITH clock AS (
    SELECT now() AS at, date_trunc('hour', now(), s.time_zone) AS hour, date_trunc('day', now(), s.time_zone) AS day
    FROM wattscore.calendar_setting s
), in_force AS (
    SELECT version_id, name FROM wattscore.factor_version WHERE in_force
)
SELECT d.gpu_uuid, d.name, d.host, d.gpu_index, coalesce(d.serial, ''), coalesce(d.parent_uuid, ''), r.code, coalesce(r.location, ''),
       s.ts, greatest(extract(epoch FROM c.at - s.ts), 0)::double precision, s.power_mw / 1e3::double precision,
       s.power_limit_mw / 1e3::double precision, coalesce(s.scope, ''), s.utilization::double precision,
       s.memory_used_bytes, coalesce(s.memory_total_bytes, d.memory_total_bytes), s.temperature_c::double precision, coalesce(s.method, ''),
       e.hour_nwh / 1e12::double precision, e.day_nwh / 1e12::double precision, s.gaps, coalesce(s.driver_version, d.driver_version, ''), coalesce(d.lost, ''),
       x.pue::double precision, x.electricity_price::double precision, x.grid_location::double precision, x.grid_market::double precision,
       coalesce(v.version_id, 0), coalesce(v.name, '')
FROM wattscore.gpu_device d
CROSS JOIN clock c
CROSS JOIN LATERAL (SELECT * FROM wattscore.gpu_sample g WHERE g.gpu_uuid = d.gpu_uuid AND g.ts >= @since::timestamptz
                    ORDER BY g.ts DESC, g.sequence DESC LIMIT 1) s
JOIN wattscore.region r ON r.region_id = coalesce(s.region_id, d.region_id)
CROSS JOIN LATERAL (SELECT sum(energy_nwh) FILTER (WHERE bucket >= c.hour) AS hour_nwh, sum(energy_nwh) AS day_nwh
                    FROM wattscore.gpu_energy q WHERE q.gpu_uuid = d.gpu_uuid AND q.bucket >= c.day) e
LEFT JOIN in_force v ON true
LEFT JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = r.region_id AND s.ts >= x.valid_from AND s.ts < x.valid_to
-- A device is stored at least every minute, its samples more often.
WHERE d.last_seen >= @since::timestamptz - interval '1 hour'
ORDER BY d.host, d.gpu_index, d.gpu_uuid
