-- Stores projects; grain: one row a project. What is not given stays as it is.
-- Returns the place of each project that is new or changed.
WITH given AS (
    SELECT * FROM unnest(@name::text[], @team::text[], @business_unit::text[], @product_line::text[], @cost_centre::text[],
        @owner::text[]) WITH ORDINALITY AS g (name, team, business_unit, product_line, cost_centre, owner, place)
), stored AS (
    -- In the order of their names, so that two writers cannot deadlock.
    INSERT INTO wattscore.project AS p (name, team, business_unit, product_line, cost_centre, owner)
    SELECT name, team, business_unit, product_line, cost_centre, owner FROM given ORDER BY name
    ON CONFLICT (name) DO UPDATE SET
        team = coalesce(excluded.team, p.team), business_unit = coalesce(excluded.business_unit, p.business_unit),
        product_line = coalesce(excluded.product_line, p.product_line),
        cost_centre = coalesce(excluded.cost_centre, p.cost_centre), owner = coalesce(excluded.owner, p.owner)
    WHERE (p.team, p.business_unit, p.product_line, p.cost_centre, p.owner)
        IS DISTINCT FROM (coalesce(excluded.team, p.team), coalesce(excluded.business_unit, p.business_unit),
            coalesce(excluded.product_line, p.product_line), coalesce(excluded.cost_centre, p.cost_centre),
            coalesce(excluded.owner, p.owner))
    RETURNING name
)
SELECT g.place::int FROM given g JOIN stored USING (name)
