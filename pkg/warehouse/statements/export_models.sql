-- What is said of models, to be taken out; grain: one row a model. The rows that nobody
-- answers for are left out: no one may say anything of them.
SELECT name, provider, family, task_class, parameters_billion, accuracy, accuracy_metric, business_criticality::bigint, stage, latency_slo_ms, released_on
FROM wattscore.model
WHERE name NOT IN ('__idle__', '__unallocated__')
ORDER BY name
