-- The reference intensity of each task class that holds on a day, and how many models
-- are scored by it; grain: one row a task class.
SELECT DISTINCT ON (r.task_class) r.task_class, r.wh_per_1k_requests::double precision / 1000, r.valid_from,
       r.source, r.source_year::int, r.boundary,
       (SELECT count(*) FROM wattscore.model m WHERE m.task_class = r.task_class)::int
FROM wattscore.reference_intensity r
WHERE r.valid_from <= @on_day::date
ORDER BY r.task_class, r.valid_from DESC
