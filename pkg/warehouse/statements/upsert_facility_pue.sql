-- Stores the metered PUE of days; grain: region x day. Returns the days whose figure is
-- new or changed.
INSERT INTO wattscore.facility_pue_reading AS p (region_id, valid_from, pue, source, boundary)
SELECT o.region_id, g.day, g.pue, g.source, g.boundary
FROM unnest(@day::date[], @pue::double precision[], @source::text[], @boundary::text[]) AS g (day, pue, source, boundary)
JOIN wattscore.region o ON o.code = @region
ON CONFLICT (region_id, valid_from) DO UPDATE SET pue = excluded.pue, source = excluded.source, boundary = excluded.boundary
WHERE (p.pue, p.boundary) IS DISTINCT FROM (excluded.pue, excluded.boundary)
RETURNING valid_from
