-- Stores carbon budgets; grain: week x business unit. Returns the place of each
-- budget that is new or changed.
WITH given AS (
    SELECT * FROM unnest(@week::date[], @business_unit::text[], @kg::double precision[], @source::text[])
        WITH ORDINALITY AS g (week, business_unit, kg, source, place)
), stored AS (
    INSERT INTO wattscore.carbon_budget AS b (week, business_unit, kg, source)
    SELECT week, business_unit, kg, source FROM given ORDER BY week, business_unit
    ON CONFLICT (week, business_unit) DO UPDATE SET kg = excluded.kg, source = excluded.source
    WHERE (b.kg, b.source) IS DISTINCT FROM (excluded.kg, excluded.source)
    RETURNING week, business_unit
)
SELECT g.place::int FROM given g JOIN stored USING (week, business_unit)
