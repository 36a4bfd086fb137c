-- Stores readings of a facility's meters; grain: region x reading. Returns the place of
-- each that is new or changed.
WITH given AS (
    SELECT g.*, o.region_id
    FROM unnest(@starts_at::timestamptz[], @ends_at::timestamptz[], @facility_nwh::bigint[], @it_nwh::bigint[], @pue::double precision[], @source::text[])
        WITH ORDINALITY AS g (starts_at, ends_at, facility_nwh, it_nwh, pue, source, place)
    JOIN wattscore.region o ON o.code = @region
), stored AS (
    INSERT INTO wattscore.facility_reading AS r (region_id, starts_at, ends_at, facility_nwh, it_nwh, pue, source)
    SELECT region_id, starts_at, ends_at, facility_nwh, it_nwh, pue, source FROM given ORDER BY starts_at
    ON CONFLICT (region_id, starts_at) DO UPDATE SET
        ends_at = excluded.ends_at, facility_nwh = excluded.facility_nwh, it_nwh = excluded.it_nwh, pue = excluded.pue, source = excluded.source
    WHERE (r.facility_nwh, r.it_nwh, r.pue) IS DISTINCT FROM (excluded.facility_nwh, excluded.it_nwh, excluded.pue)
    RETURNING starts_at
)
SELECT g.place::int FROM given g JOIN stored USING (starts_at)
