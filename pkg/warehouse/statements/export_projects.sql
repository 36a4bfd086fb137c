-- What projects belong to, to be taken out; grain: one row a project. The rows that
-- nobody answers for are left out: no one may say anything of them.
SELECT name, team, business_unit, product_line, cost_centre, owner
FROM wattscore.project
WHERE name NOT IN ('__idle__', '__unallocated__')
ORDER BY name
