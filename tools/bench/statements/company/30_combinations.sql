-- The live combinations of model, project, region, endpoint and workload, as many
-- as asked for: idle energy of each region, one in twenty for training, and
-- endpoints, each of which serves one model for one project in one region.
CREATE TABLE bench.combination (
    combination int PRIMARY KEY,
    model_id int NOT NULL, project_id int NOT NULL, region_id int NOT NULL, endpoint_id int NOT NULL, workload_id smallint NOT NULL,
    model int, project int, -- ordinals; none of what is idle
    UNIQUE (model_id, project_id, region_id, endpoint_id, workload_id)
);

INSERT INTO bench.combination
SELECT g.ordinal + 1, m.model_id, p.project_id, g.region_id, e.endpoint_id, 7, NULL, NULL
FROM bench.region g, wattscore.model m, wattscore.project p, wattscore.endpoint e
WHERE m.name = '__idle__' AND p.name = '__idle__' AND e.name = '__none__';

INSERT INTO bench.combination
SELECT k + current_setting('bench.regions')::int, m.model_id, p.project_id, g.region_id, e.endpoint_id, 4 + k % 3, m.ordinal, p.ordinal
FROM generate_series(1, current_setting('bench.combinations')::int / 20) AS k
JOIN bench.model m ON m.ordinal = k % current_setting('bench.models')::int
JOIN bench.project p ON p.ordinal = 13 * k % current_setting('bench.projects')::int
JOIN bench.region g ON g.ordinal = floor(bench.draw('training region', k) * current_setting('bench.regions')::int)
JOIN wattscore.endpoint e ON e.name = '__none__';

INSERT INTO wattscore.endpoint (name)
SELECT format('endpoint-%s', to_char(k, 'FM00000'))
FROM generate_series((SELECT count(*) + 1 FROM bench.combination), current_setting('bench.combinations')::int) AS k;

INSERT INTO bench.combination
SELECT k, m.model_id, p.project_id, g.region_id, e.endpoint_id,
       CASE WHEN m.task_class = 'embedding' THEN 3 WHEN bench.draw('batch', k) < 0.15 THEN 2 ELSE 1 END, m.ordinal, p.ordinal
FROM generate_series((SELECT count(*) + 1 FROM bench.combination), current_setting('bench.combinations')::int) AS k
JOIN bench.model m ON m.ordinal = k % current_setting('bench.models')::int
JOIN bench.project p ON p.ordinal = floor(bench.draw('project', k) * current_setting('bench.projects')::int)
JOIN bench.region g ON g.ordinal = floor(bench.draw('region', k) * current_setting('bench.regions')::int)
JOIN wattscore.endpoint e ON e.name = format('endpoint-%s', to_char(k, 'FM00000'));

-- 65,536 slots that a request falls into with equal chance; a popular endpoint has
-- more of them. A slot holds what its requests take.
CREATE TABLE bench.slot AS
WITH serving AS (
    SELECT *, power(10 + row_number() OVER (ORDER BY bench.draw('rank', combination)), -0.6) AS weight
    FROM bench.combination WHERE workload_id < 4
), shared AS (
    SELECT *, 65536 * (sum(weight) OVER upward - weight) / sum(weight) OVER () AS first_slot,
           65536 * sum(weight) OVER upward / sum(weight) OVER () AS end_slot
    FROM serving WINDOW upward AS (ORDER BY combination)
)
SELECT slot, s.combination, s.model_id, s.project_id, s.region_id, s.endpoint_id, s.workload_id,
       -- 1 Wh per 1,000 requests is 1e6 nWh a request.
       m.wh_per_1k * 1e6 * (0.8 + 0.4 * bench.draw('endpoint', s.combination)) AS nwh_per_request,
       m.input_tokens, m.output_tokens,
       CASE WHEN s.workload_id <> 2 THEN m.slo_ms * 1000 END AS slo_us,
       bench.draw('measured', s.combination) < 0.8 AS measured,
       bench.draw('billed', s.combination) < 0.2 AS billed,
       bench.draw('carbon', s.combination) < 0.05 AS carbon_measured
FROM shared s
JOIN bench.model m ON m.ordinal = s.model
CROSS JOIN LATERAL generate_series(greatest(0, floor(s.first_slot)::int), floor(s.end_slot + 1e-6)::int - 1) AS slot;
CREATE UNIQUE INDEX ON bench.slot (slot);
ANALYZE bench.slot;
