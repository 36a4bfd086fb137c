-- The metered days of a region from a day on; grain: day.
SELECT p.valid_from, p.pue::double precision, p.source, p.boundary
FROM wattscore.facility_pue_reading p
JOIN wattscore.region o USING (region_id)
WHERE o.code = @region AND p.valid_from >= @from_day::date
ORDER BY p.valid_from
