-- Stores cost budgets; grain: day x business unit. Returns the place of each
-- budget that is new or changed.
WITH given AS (
    SELECT * FROM unnest(@day::date[], @business_unit::text[], @usd::double precision[], @source::text[])
        WITH ORDINALITY AS g (day, business_unit, usd, source, place)
), stored AS (
    INSERT INTO wattscore.cost_budget AS b (day, business_unit, usd, source)
    SELECT day, business_unit, usd, source FROM given ORDER BY day, business_unit
    ON CONFLICT (day, business_unit) DO UPDATE SET usd = excluded.usd, source = excluded.source
    WHERE (b.usd, b.source) IS DISTINCT FROM (excluded.usd, excluded.source)
    RETURNING day, business_unit
)
SELECT g.place::int FROM given g JOIN stored USING (day, business_unit)
