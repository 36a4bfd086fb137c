-- The keys of the members named; grain: one row a member.
SELECT 'model' AS dimension, name, model_id AS key FROM wattscore.model WHERE name = ANY (@models::text[])
UNION ALL SELECT 'project', name, project_id FROM wattscore.project WHERE name = ANY (@projects::text[])
UNION ALL SELECT 'endpoint', name, endpoint_id FROM wattscore.endpoint WHERE name = ANY (@endpoints::text[])
UNION ALL SELECT 'region', code, region_id FROM wattscore.region WHERE code = ANY (@regions::text[])
UNION ALL SELECT 'workload', code, workload_id FROM wattscore.workload
