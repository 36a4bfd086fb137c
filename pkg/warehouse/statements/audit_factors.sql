-- The figures that price energy in some regions in a span, each with its source;
-- grain: one row a region, quantity and figure. A region without a figure of its own takes
-- its country's, as fill_factor_periods does.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), figure AS (
    SELECT r.code, o.code AS owner, f.quantity, f.valid_from, f.value, f.source, f.source_year, f.method, f.boundary,
           f.valid_from::timestamp AT TIME ZONE s.time_zone AS from_time,
           -- Up to the owner's next figure; a country's gives way to the region's own.
           least(lead(f.valid_from) OVER (PARTITION BY r.region_id, o.region_id, f.quantity ORDER BY f.valid_from),
                 CASE WHEN o.region_id <> r.region_id THEN own.since END)::timestamp AT TIME ZONE s.time_zone AS to_time
    FROM pricing
    CROSS JOIN wattscore.calendar_setting s
    JOIN wattscore.region r ON r.code = ANY (@used_regions::text[])
    JOIN wattscore.region o ON o.region_id = r.region_id OR o.code = r.country_code
    JOIN wattscore.region_factor f ON f.region_id = o.region_id AND f.version_id = pricing.version_id
    LEFT JOIN LATERAL (SELECT min(valid_from) AS since FROM wattscore.region_factor x
                       WHERE x.version_id = f.version_id AND x.region_id = r.region_id AND x.quantity = f.quantity) AS own ON true
    WHERE f.quantity <> 'carbon_free_share'
)
SELECT code, owner, quantity, valid_from, value::double precision, source, source_year::int, method, boundary
FROM figure
WHERE from_time < @to_time::timestamptz
  AND (to_time IS NULL OR (to_time > @from_time::timestamptz AND to_time > from_time))
ORDER BY code, quantity, valid_from
