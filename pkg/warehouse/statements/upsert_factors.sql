-- Stores factors in each of the given versions; grain: version x region x
-- quantity x first day.
INSERT INTO wattscore.region_factor AS f (version_id, region_id, quantity, valid_from, value, source, source_year, method, boundary)
SELECT v.version_id, r.region_id, g.quantity, g.valid_from, g.value, g.source, g.source_year, g.method, g.boundary
FROM unnest(@region::text[], @quantity::text[], @valid_from::date[], @value::double precision[], @source::text[],
    @source_year::int[], @method::text[], @boundary::text[])
    AS g (region, quantity, valid_from, value, source, source_year, method, boundary)
JOIN wattscore.region r ON r.code = g.region
CROSS JOIN unnest(@versions::int[]) AS v (version_id)
ON CONFLICT (version_id, region_id, quantity, valid_from) DO UPDATE SET
    value = excluded.value, source = excluded.source, source_year = excluded.source_year,
    method = excluded.method, boundary = excluded.boundary
