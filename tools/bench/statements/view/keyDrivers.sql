-- As analyst/keyDrivers.sql, from the daily view.
SELECT m.name AS model, g.code AS region, p.name AS project, p.business_unit, w.code AS workload,
       sum(d.requests) FILTER (WHERE d.day >= @from_day::date)::bigint AS requests_after, sum(d.requests) FILTER (WHERE d.day < @from_day::date)::bigint AS requests_before,
       sum(d.energy_kwh) FILTER (WHERE d.day >= @from_day::date) AS it_after, sum(d.energy_kwh) FILTER (WHERE d.day < @from_day::date) AS it_before,
       sum(d.facility_kwh) FILTER (WHERE d.day >= @from_day::date) AS after, sum(d.facility_kwh) FILTER (WHERE d.day < @from_day::date) AS before
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
JOIN wattscore.project p USING (project_id)
JOIN wattscore.region g USING (region_id)
JOIN wattscore.workload w USING (workload_id)
WHERE d.day >= @previous_day::date AND d.day < @to_day::date
GROUP BY 1, 2, 3, 4, 5
