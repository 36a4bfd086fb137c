-- How far runs of CodeCarbon are counted, and what was counted as tasks of them; grain:
-- run x project. A run of which there is nothing yet is not among them.
SELECT g.run_id, g.project, r.run_id IS NOT NULL,
       coalesce(r.started_at, 'epoch'), coalesce(r.clock_at, 'epoch'), coalesce(r.counted_until, 'epoch'), coalesce(r.duration_us, 0),
       coalesce(r.it_energy_nwh, 0), r.carbon_ug, coalesce(r.tasks_nwh, 0), coalesce(r.tasks_carbon_ug, 0),
       coalesce(t.nwh, 0), coalesce(t.ug, 0)
FROM unnest(@run_id::text[], @project::text[]) AS g (run_id, project)
LEFT JOIN wattscore.codecarbon_run r USING (run_id, project)
LEFT JOIN LATERAL (
    SELECT sum(f.it_energy_nwh)::bigint AS nwh, sum(f.carbon_location_ug)::bigint AS ug
    FROM wattscore.inference_energy_fact f
    JOIN wattscore.project p ON p.project_id = f.project_id AND p.name = coalesce(nullif(g.project, ''), @unallocated)
    WHERE f.run_id = g.run_id AND f.source = @task_source
) AS t ON true
WHERE r.run_id IS NOT NULL OR t.nwh IS NOT NULL
