-- Moves runs of CodeCarbon on to what their newest records say. The caller holds them, so
-- that nobody else moves them meanwhile.
INSERT INTO wattscore.codecarbon_run AS r (run_id, project, started_at, clock_at, counted_until, duration_us, it_energy_nwh, carbon_ug, tasks_nwh, tasks_carbon_ug)
SELECT * FROM unnest(@run_id::text[], @project::text[], @started_at::timestamptz[], @clock_at::timestamptz[], @counted_until::timestamptz[],
    @duration_us::bigint[], @it_energy_nwh::bigint[], @carbon_ug::bigint[], @tasks_nwh::bigint[], @tasks_carbon_ug::bigint[])
ON CONFLICT (run_id, project) DO UPDATE SET
    started_at = excluded.started_at, clock_at = excluded.clock_at, counted_until = excluded.counted_until, duration_us = excluded.duration_us,
    it_energy_nwh = excluded.it_energy_nwh, carbon_ug = excluded.carbon_ug, tasks_nwh = excluded.tasks_nwh, tasks_carbon_ug = excluded.tasks_carbon_ug
