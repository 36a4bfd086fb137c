-- Stores assets; grain: one row an asset. What is not given stays as it is.
-- Returns the place of each asset that is new or changed.
WITH given AS (
    SELECT g.*, r.region_id
    FROM unnest(@serial::text[], @accelerator::text[], @region::text[], @business_unit::text[],
        @purchase_cost_usd::double precision[], @lifetime_years::double precision[], @embodied_kg::double precision[],
        @embodied_low_kg::double precision[], @embodied_high_kg::double precision[], @embodied_boundary::text[],
        @embodied_source::text[], @embodied_year::int[]) WITH ORDINALITY
        AS g (serial, accelerator, region, business_unit, purchase_cost_usd, lifetime_years, embodied_kg, embodied_low_kg,
              embodied_high_kg, embodied_boundary, embodied_source, embodied_year, place)
    LEFT JOIN wattscore.region r ON r.code = g.region
), wanted AS (
    SELECT g.serial, g.accelerator, coalesce(g.region_id, h.region_id) AS region_id,
           coalesce(g.business_unit, h.business_unit) AS business_unit,
           coalesce(g.purchase_cost_usd::numeric, h.purchase_cost_usd) AS purchase_cost_usd,
           coalesce(g.lifetime_years::numeric, h.lifetime_years, 4) AS lifetime_years,
           -- A figure comes with its range, boundary, source and year: all or none of them.
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_kg ELSE g.embodied_kg::numeric END AS embodied_kg,
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_low_kg ELSE g.embodied_low_kg::numeric END AS embodied_low_kg,
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_high_kg ELSE g.embodied_high_kg::numeric END AS embodied_high_kg,
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_boundary ELSE g.embodied_boundary END AS embodied_boundary,
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_source ELSE g.embodied_source END AS embodied_source,
           CASE WHEN g.embodied_kg IS NULL THEN h.embodied_year ELSE g.embodied_year::smallint END AS embodied_year
    FROM given g LEFT JOIN wattscore.hardware_asset h USING (serial)
), stored AS (
    INSERT INTO wattscore.hardware_asset AS h (serial, accelerator, region_id, business_unit, purchase_cost_usd, lifetime_years,
        embodied_kg, embodied_low_kg, embodied_high_kg, embodied_boundary, embodied_source, embodied_year)
    SELECT * FROM wanted ORDER BY serial
    ON CONFLICT (serial) DO UPDATE SET
        accelerator = excluded.accelerator, region_id = excluded.region_id, business_unit = excluded.business_unit,
        purchase_cost_usd = excluded.purchase_cost_usd, lifetime_years = excluded.lifetime_years,
        embodied_kg = excluded.embodied_kg, embodied_low_kg = excluded.embodied_low_kg, embodied_high_kg = excluded.embodied_high_kg,
        embodied_boundary = excluded.embodied_boundary, embodied_source = excluded.embodied_source,
        embodied_year = excluded.embodied_year
    WHERE (h.accelerator, h.region_id, h.business_unit, h.purchase_cost_usd, h.lifetime_years, h.embodied_kg, h.embodied_low_kg,
           h.embodied_high_kg, h.embodied_boundary, h.embodied_source, h.embodied_year)
        IS DISTINCT FROM (excluded.accelerator, excluded.region_id, excluded.business_unit, excluded.purchase_cost_usd,
           excluded.lifetime_years, excluded.embodied_kg, excluded.embodied_low_kg, excluded.embodied_high_kg,
           excluded.embodied_boundary, excluded.embodied_source, excluded.embodied_year)
    RETURNING serial
)
SELECT g.place::int FROM given g JOIN stored USING (serial)
