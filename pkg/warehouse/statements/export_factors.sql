-- The figures of the factor version in force, to be taken out; grain: one row a region,
-- quantity and day.
SELECT r.code, f.quantity, f.valid_from, f.value::double precision, f.source, f.source_year::bigint, f.method, f.boundary
FROM wattscore.region_factor f
JOIN wattscore.factor_version v ON v.version_id = f.version_id AND v.in_force
JOIN wattscore.region r USING (region_id)
ORDER BY r.code, f.quantity, f.valid_from
