-- The readings of a facility's meters that reach into a span; grain: reading.
SELECT r.starts_at, r.ends_at, coalesce(r.facility_nwh, 0), coalesce(r.it_nwh, 0), coalesce(r.pue, 0)::double precision, r.source
FROM wattscore.facility_reading r
JOIN wattscore.region o USING (region_id)
WHERE o.code = @region AND r.starts_at > @from_time::timestamptz - interval '2 days' AND r.starts_at < @to_time AND r.ends_at >= @from_time::timestamptz - interval '1 hour'
ORDER BY r.starts_at
