-- Moves runs of CodeCarbon on to what their newest records say, each from where the
-- caller knew it to be; returns how many moved. One that somebody else moved meanwhile
-- does not.
WITH given AS (
    SELECT * FROM unnest(@run_id::text[], @project::text[], @started_at::timestamptz[], @clock_at::timestamptz[], @counted_until::timestamptz[],
        @duration_us::bigint[], @it_energy_nwh::bigint[], @carbon_ug::bigint[], @tasks_nwh::bigint[], @tasks_carbon_ug::bigint[],
        @known_until::timestamptz[], @known_nwh::bigint[])
        AS g (run_id, project, started_at, clock_at, counted_until, duration_us, it_energy_nwh, carbon_ug, tasks_nwh, tasks_carbon_ug, known_until, known_nwh)
), moved AS (
    INSERT INTO wattscore.codecarbon_run AS r (run_id, project, started_at, clock_at, counted_until, duration_us, it_energy_nwh, carbon_ug, tasks_nwh, tasks_carbon_ug)
    SELECT run_id, project, started_at, clock_at, counted_until, duration_us, it_energy_nwh, carbon_ug, tasks_nwh, tasks_carbon_ug
    FROM given ORDER BY run_id, project
    ON CONFLICT (run_id, project) DO UPDATE SET
        started_at = excluded.started_at, clock_at = excluded.clock_at, counted_until = excluded.counted_until, duration_us = excluded.duration_us,
        it_energy_nwh = excluded.it_energy_nwh, carbon_ug = excluded.carbon_ug, tasks_nwh = excluded.tasks_nwh, tasks_carbon_ug = excluded.tasks_carbon_ug
    WHERE (r.counted_until, r.it_energy_nwh) IN (SELECT g.known_until, g.known_nwh FROM given g WHERE g.run_id = r.run_id AND g.project = r.project)
    RETURNING 1
)
SELECT count(*)::int FROM moved
