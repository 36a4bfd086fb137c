-- The energy of each GPU in some hours; grain: one row a GPU that was seen since a time
-- and has a meter of its own. Hours without a sample are null. An hour of any time
-- zone begins on a quarter of an hour, which is what is stored.
SELECT d.gpu_uuid, d.name, d.host, d.gpu_index, r.code, array_agg(e.energy_nwh / 1e12::double precision ORDER BY h.number)
FROM wattscore.gpu_device d
JOIN wattscore.region r USING (region_id)
CROSS JOIN unnest(@hours::timestamptz[]) WITH ORDINALITY AS h (at, number)
CROSS JOIN LATERAL (SELECT sum(q.energy_nwh) AS energy_nwh FROM wattscore.gpu_energy q
                    WHERE q.gpu_uuid = d.gpu_uuid AND q.bucket >= h.at AND q.bucket < h.at + interval '1 hour') e
WHERE d.last_seen >= @since::timestamptz AND d.parent_uuid IS NULL
GROUP BY d.gpu_uuid, d.name, d.host, d.gpu_index, r.code
ORDER BY d.host, d.gpu_index, d.gpu_uuid
