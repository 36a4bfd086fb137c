-- The intensity of each task class that is valid now; grain: one row a task class.
SELECT DISTINCT ON (task_class) task_class, wh_per_1k_requests::double precision
FROM wattscore.reference_intensity
WHERE valid_from <= now()
ORDER BY task_class, valid_from DESC
