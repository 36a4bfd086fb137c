-- Facility energy of each segment before and after, which drivers are computed
-- from. Grain: model x region x project x workload.
SELECT m.name AS model, g.code AS region, p.name AS project, p.business_unit, w.code AS workload,
       sum(f.requests) FILTER (WHERE f.ts >= @from_time)::bigint AS requests_after, sum(f.requests) FILTER (WHERE f.ts < @from_time)::bigint AS requests_before,
       (sum(f.it_energy_nwh) FILTER (WHERE f.ts >= @from_time) / 1e12)::double precision AS it_after,
       (sum(f.it_energy_nwh) FILTER (WHERE f.ts < @from_time) / 1e12)::double precision AS it_before,
       (sum(f.it_energy_nwh * x.pue) FILTER (WHERE f.ts >= @from_time) / 1e12)::double precision AS after,
       (sum(f.it_energy_nwh * x.pue) FILTER (WHERE f.ts < @from_time) / 1e12)::double precision AS before
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.project p USING (project_id)
JOIN wattscore.region g USING (region_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @previous_from AND f.ts < @to_time
GROUP BY 1, 2, 3, 4, 5
