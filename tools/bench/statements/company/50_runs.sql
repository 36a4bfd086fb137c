-- Training, fine-tuning and evaluation runs, one a month of each of their
-- combinations, and what each took, hour by hour; idle energy, hour by hour.
-- Few rows beside the requests, whatever the number of facts.
SET session_replication_role = replica;

CREATE TABLE bench.run AS
SELECT format('run-%s-%s', c.combination, to_char(month, 'YYYY-MM')) AS run_id, c.*,
       m.model_id AS trained, row_number() OVER (PARTITION BY c.combination ORDER BY month) AS attempt,
       -- Begun by the 18th and over within nine days.
       month + make_interval(hours => floor(18 * 24 * bench.draw('run start', n))::int) AS started_at,
       24 + floor(190 * bench.draw('run hours', n))::int AS hours,
       8 * (1 + floor(4 * bench.draw('run GPUs', n))::int) AS gpus
FROM (SELECT c.*, 1000 * c.combination + row_number() OVER (PARTITION BY c.combination ORDER BY month) AS n, month
      FROM bench.combination c,
           generate_series(date_trunc('month', current_setting('bench.from_time')::timestamptz) + interval '1 month',
                           current_setting('bench.to_time')::timestamptz, '1 month') AS month
      WHERE c.workload_id BETWEEN 4 AND 6) AS c
JOIN wattscore.model m USING (model_id)
WHERE month + make_interval(hours => floor(18 * 24 * bench.draw('run start', n))::int) < current_setting('bench.to_time')::timestamptz - interval '1 day';

INSERT INTO wattscore.training_run (run_id, model_id, project_id, feature, started_at, ended_at, gpu_count, gpu_model, accuracy, accuracy_metric)
SELECT r.run_id, r.model_id, r.project_id, p.name || ' assistant', r.started_at, e.ended_at, r.gpus, 'NVIDIA H100 SXM',
       CASE WHEN e.ended_at IS NOT NULL THEN least(0.98, 0.7 + 0.015 * r.attempt + 0.01 * bench.draw('run accuracy', r.attempt)) END, 'answer accuracy'
FROM bench.run r
JOIN bench.project p USING (project_id)
CROSS JOIN LATERAL (SELECT CASE WHEN r.started_at + make_interval(hours => r.hours) < current_setting('bench.to_time')::timestamptz
                                THEN r.started_at + make_interval(hours => r.hours) END AS ended_at) AS e;

INSERT INTO wattscore.inference_energy_fact (event_id, ts, model_id, project_id, region_id, endpoint_id, workload_id, slice, measured,
    requests, input_tokens, output_tokens, it_energy_nwh, gpu_microhours, gpu_memory_microhours, run_id, source)
SELECT md5(r.run_id)::uuid, r.started_at + make_interval(hours => h), r.model_id, r.project_id, r.region_id, r.endpoint_id, r.workload_id,
       h, true, 0, 0, 0, (r.gpus * (0.5 + 0.2 * bench.draw(r.run_id, h)) * 1e12)::bigint, r.gpus * 1000000, r.gpus * 80000000::bigint,
       r.run_id, 'bench'
FROM bench.run r, generate_series(0, r.hours - 1) AS h
WHERE r.started_at + make_interval(hours => h) < current_setting('bench.to_time')::timestamptz
ORDER BY 2;

INSERT INTO wattscore.inference_energy_fact (event_id, ts, model_id, project_id, region_id, endpoint_id, workload_id, measured,
    requests, input_tokens, output_tokens, it_energy_nwh, gpu_microhours, gpu_memory_microhours, source)
SELECT md5(c.combination || ' ' || h.starts_at)::uuid, h.starts_at, c.model_id, c.project_id, c.region_id, c.endpoint_id, c.workload_id, true,
       0, 0, 0, (4e12 * (1.3 - h.demand))::bigint, 20000000, 1600000000, 'bench'
FROM bench.hour h, bench.combination c
WHERE c.workload_id = 7
ORDER BY 2;
