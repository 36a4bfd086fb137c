-- The members asked for in a filter that do not exist; grain: one row a member.
SELECT dimension, member
FROM (
    SELECT 'businessUnit' AS dimension, unnest(@business_units::text[]) AS member
    UNION ALL SELECT 'team', unnest(@teams::text[])
    UNION ALL SELECT 'project', unnest(@projects::text[])
    UNION ALL SELECT 'model', unnest(@models::text[])
    UNION ALL SELECT 'region', unnest(@regions::text[])
    UNION ALL SELECT 'workload', unnest(@workloads::text[])
    UNION ALL SELECT 'endpoint', unnest(@endpoints::text[])
) AS asked
WHERE NOT CASE dimension
    WHEN 'businessUnit' THEN EXISTS (SELECT FROM wattscore.project WHERE coalesce(business_unit, '__none__') = member)
    WHEN 'team' THEN EXISTS (SELECT FROM wattscore.project WHERE coalesce(team, '__none__') = member)
    WHEN 'project' THEN EXISTS (SELECT FROM wattscore.project WHERE name = member)
    WHEN 'model' THEN EXISTS (SELECT FROM wattscore.model WHERE name = member)
    WHEN 'region' THEN EXISTS (SELECT FROM wattscore.region WHERE code = member)
    WHEN 'workload' THEN EXISTS (SELECT FROM wattscore.workload WHERE code = member)
    ELSE EXISTS (SELECT FROM wattscore.endpoint WHERE name = member)
END
ORDER BY dimension, member
