-- The figures of PUE that hold in a region besides metered days: its own, each as the
-- newest version says it that does not have a metered figure in its place, else its
-- country's; and (derived) those of the newest version that metering has put there.
SELECT o.code = @region, false, f.valid_from, f.value::double precision, f.source, f.source_year::int, f.method, f.boundary
FROM wattscore.region r
JOIN wattscore.region o ON o.region_id = r.region_id OR o.code = r.country_code
JOIN LATERAL (
    SELECT DISTINCT ON (f.valid_from) f.*
    FROM wattscore.region_factor f
    WHERE f.region_id = o.region_id AND f.quantity = 'pue' AND f.method <> ALL (@derived::text[])
    ORDER BY f.valid_from, f.version_id DESC) AS f ON true
WHERE r.code = @region
UNION ALL
SELECT true, true, f.valid_from, f.value::double precision, f.source, f.source_year::int, f.method, f.boundary
FROM wattscore.region_factor f
JOIN wattscore.region r USING (region_id)
WHERE r.code = @region AND f.quantity = 'pue' AND f.method = ANY (@derived::text[])
  AND f.version_id = (SELECT max(version_id) FROM wattscore.factor_version)
ORDER BY 1, 2, 3
