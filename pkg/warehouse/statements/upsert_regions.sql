-- Stores regions; grain: one row a region. What is not given stays as it is, and
-- a country that is there stays too. Returns the place of each region that is new
-- or changed.
WITH given AS (
    SELECT * FROM unnest(@code::text[], @cloud::text[], @location::text[], @country_code::text[]) WITH ORDINALITY
        AS g (code, cloud, location, country_code, place)
), wanted AS (
    SELECT g.code, coalesce(g.cloud, r.cloud) AS cloud, coalesce(g.location, r.location, g.code) AS location,
           coalesce(r.country_code, g.country_code) AS country_code
    FROM given g LEFT JOIN wattscore.region r USING (code)
), stored AS (
    INSERT INTO wattscore.region AS r (code, cloud, location, country_code)
    SELECT * FROM wanted ORDER BY code
    ON CONFLICT (code) DO UPDATE SET
        cloud = excluded.cloud, location = excluded.location, country_code = excluded.country_code
    WHERE (r.cloud, r.location, r.country_code) IS DISTINCT FROM (excluded.cloud, excluded.location, excluded.country_code)
    RETURNING code
)
SELECT g.place::int FROM given g JOIN stored USING (code)
