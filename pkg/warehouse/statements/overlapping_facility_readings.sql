-- The given readings that lie over others of the region, each by its place and one that
-- it lies over. The same interval said again is none.
SELECT g.place::int, r.starts_at, r.ends_at
FROM unnest(@starts_at::timestamptz[], @ends_at::timestamptz[]) WITH ORDINALITY AS g (starts_at, ends_at, place)
CROSS JOIN LATERAL (
    SELECT r.starts_at, r.ends_at
    FROM wattscore.facility_reading r
    JOIN wattscore.region o USING (region_id)
    WHERE o.code = @region AND (r.starts_at, r.ends_at) <> (g.starts_at, g.ends_at)
      AND r.starts_at > g.starts_at - interval '2 days' AND r.starts_at <= g.ends_at
      AND tstzrange(r.starts_at, r.ends_at, CASE WHEN r.starts_at = r.ends_at THEN '[]' ELSE '[)' END)
       && tstzrange(g.starts_at, g.ends_at, CASE WHEN g.starts_at = g.ends_at THEN '[]' ELSE '[)' END)
    LIMIT 1) AS r
ORDER BY g.place
