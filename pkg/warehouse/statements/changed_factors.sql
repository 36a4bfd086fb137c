-- The given factors that differ from a version's, each by its place and whether
-- it prices an event: one at or after its first day, in its region or in a cloud
-- region that takes its country's figure.
WITH given AS (
    SELECT g.*, r.region_id, g.valid_from::timestamp AT TIME ZONE s.time_zone AS starts_at
    FROM unnest(@region::text[], @quantity::text[], @valid_from::date[], @value::double precision[], @source::text[],
        @source_year::int[], @method::text[], @boundary::text[]) WITH ORDINALITY
        AS g (region, quantity, valid_from, value, source, source_year, method, boundary, place)
    JOIN wattscore.region r ON r.code = g.region
    CROSS JOIN wattscore.calendar_setting s
), changed AS (
    SELECT g.*
    FROM given g
    LEFT JOIN wattscore.region_factor f ON f.version_id = @version AND f.region_id = g.region_id
                                       AND f.quantity = g.quantity AND f.valid_from = g.valid_from
    WHERE f.version_id IS NULL
       OR (f.value, f.source, f.source_year, f.method, f.boundary)
          IS DISTINCT FROM (g.value::numeric, g.source, g.source_year::smallint, g.method, g.boundary)
), newest_event AS MATERIALIZED (
    -- Of the roll-ups, which stay when old facts are dropped, and the facts after them.
    SELECT region_id, max(at) AS at
    FROM (SELECT region_id, bucket AS at FROM wattscore.rollup_day
          UNION ALL
          SELECT region_id, ts FROM wattscore.inference_energy_fact
          WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state) AND ingest_xid <= (SELECT 9223372036854775807)) AS event
    WHERE EXISTS (SELECT FROM changed)
    GROUP BY region_id
)
SELECT c.place::int,
       c.quantity <> 'carbon_free_share' AND EXISTS (
           SELECT FROM newest_event n
           JOIN wattscore.region p USING (region_id)
           WHERE n.at >= c.starts_at
             AND (p.region_id = c.region_id
                  OR p.country_code = c.region
                     AND NOT EXISTS (SELECT FROM wattscore.region_factor own
                                     WHERE own.version_id = @version AND own.region_id = p.region_id
                                       AND own.quantity = c.quantity AND own.valid_from <= c.valid_from)))
FROM changed c
ORDER BY c.place
