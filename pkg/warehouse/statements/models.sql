-- What the company says of its models; grain: one row a model.
SELECT name, coalesce(provider, ''), coalesce(task_class, ''), stage, business_criticality::double precision,
       accuracy, coalesce(accuracy_metric, ''), parameters_billion,
       coalesce(family, ''), latency_slo_ms
FROM wattscore.model
WHERE name <> ALL (@reserved::text[])
ORDER BY name
