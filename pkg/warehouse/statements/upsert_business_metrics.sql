-- Stores figures of the business; grain: month x metric x business unit. Returns
-- the place of each figure that is new or changed.
WITH given AS (
    SELECT * FROM unnest(@month::date[], @metric::text[], @business_unit::text[], @value::double precision[], @source::text[])
        WITH ORDINALITY AS g (month, metric, business_unit, value, source, place)
), stored AS (
    INSERT INTO wattscore.business_metric AS b (month, metric, business_unit, value, source)
    SELECT month, metric, business_unit, value, source FROM given ORDER BY month, metric, business_unit
    ON CONFLICT (month, metric, business_unit) DO UPDATE SET value = excluded.value, source = excluded.source
    WHERE (b.value, b.source) IS DISTINCT FROM (excluded.value, excluded.source)
    RETURNING month, metric, business_unit
)
SELECT g.place::int FROM given g JOIN stored USING (month, metric, business_unit)
