-- The factors that price energy in a span; grain: region x stretch of time in
-- which none of them changes. The first and the last stretch are cut to the span.
SELECT r.code, r.location, greatest(x.valid_from, @from_time::timestamptz), least(x.valid_to, @to_time::timestamptz),
       x.pue::double precision, x.electricity_price::double precision,
       x.grid_location::double precision, x.grid_market::double precision
FROM wattscore.factor_period x
JOIN wattscore.region r USING (region_id)
WHERE x.version_id = coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force))
  AND x.valid_from < @to_time::timestamptz AND x.valid_to > @from_time::timestamptz
ORDER BY r.code, x.valid_from
