-- As analyst/carbonAttribution.sql, from the daily view.
SELECT p.business_unit, w.code AS workload, sum(d.carbon_location_kg) / 1000 AS total_t
FROM bench.daily d
JOIN wattscore.project p USING (project_id)
JOIN wattscore.workload w USING (workload_id)
WHERE d.day >= @from_day::date AND d.day < @to_day::date
GROUP BY p.business_unit, w.code
