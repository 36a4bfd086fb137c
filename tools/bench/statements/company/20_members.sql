-- Models, projects and endpoints. Grain: a row a member.

-- What models are for; half of them chat, so that a cohort gets its stars.
CREATE TABLE bench.task AS
SELECT * FROM (VALUES
    -- place, task class, family, parameters in 1e9, latency objective in ms, Wh per 1,000 requests, tokens in and out of a request
    (0,  'chat',                'Llama',       70.6,   2500.0, 78.0,  900, 320),
    (1,  'chat',                'Qwen',        14.8,   1500.0, 41.0,  820, 290),
    (2,  'code_completion',     'Coder',       7.6,    400.0,  22.0,  640, 60),
    (3,  'chat',                'Gemma',       12.2,   1800.0, 55.0,  760, 310),
    (4,  'reasoning',           'QwQ',         32.8,   30000.0, 910.0, 1100, 2400),
    (5,  'chat',                'Mixtral',     46.7,   3000.0, 96.0,  880, 340),
    (6,  'image_chat',          'VL',          8.3,    1600.0, 105.0, 1400, 210),
    (7,  'chat',                'Mistral',     7.2,    1200.0, 37.0,  700, 260),
    (8,  'summarization',       'BART',        0.4,    1200.0, 44.0,  1600, 140),
    (9,  'embedding',           'BGE',         0.6,    40.0,   1.4,   480, 0),
    (10, 'text_classification', 'DistilBERT',  0.07,   60.0,   2.3,   210, 1),
    (11, 'chat',                'Writer',      9.2,    2000.0, 48.0,  640, 380)
) AS t (place, task_class, family, parameters, slo_ms, wh_per_1k, input_tokens, output_tokens);

CREATE TABLE bench.model (ordinal int PRIMARY KEY, model_id int NOT NULL, wh_per_1k double precision NOT NULL,
                          input_tokens int NOT NULL, output_tokens int NOT NULL, slo_ms double precision NOT NULL, task_class text NOT NULL);

WITH wanted AS (
    SELECT i AS ordinal, format('%s-%s', lower(t.family), to_char(i, 'FM000')) AS name, t.*
    FROM generate_series(0, current_setting('bench.models')::int - 1) AS i
    JOIN bench.task t ON t.place = i % 12
), added AS (
    INSERT INTO wattscore.model (name, provider, family, task_class, parameters_billion, accuracy, accuracy_metric,
                                 business_criticality, stage, latency_slo_ms)
    SELECT name, family || ' makers', family, task_class, parameters, round((0.7 + 0.28 * bench.draw('accuracy', ordinal))::numeric, 3),
           'answer accuracy', 10 + 85 * bench.draw('criticality', ordinal), 'production', slo_ms
    FROM wanted
    RETURNING model_id, name
)
INSERT INTO bench.model
SELECT w.ordinal, a.model_id, w.wh_per_1k * (0.7 + 0.6 * bench.draw('intensity', w.ordinal)), w.input_tokens, w.output_tokens, w.slo_ms, w.task_class
FROM wanted w JOIN added a USING (name);

CREATE TABLE bench.unit AS
SELECT ordinal::int - 1 AS ordinal, name
FROM unnest(ARRAY['Search', 'Customer Care', 'Supply Chain', 'Marketing', 'Payments', 'Logistics', 'Stores', 'Fraud & Risk',
                  'People', 'Research', 'Legal', 'Mobile']) WITH ORDINALITY AS u (name, ordinal)
WHERE ordinal <= current_setting('bench.units')::int;

-- Four projects a team.
INSERT INTO wattscore.project (name, team, business_unit, product_line, cost_centre, owner)
SELECT format('%s-%s', lower(replace(u.name, ' ', '-')), to_char(i, 'FM000')),
       format('%s team %s', u.name, 1 + i / (4 * current_setting('bench.units')::int)), u.name,
       format('%s line %s', u.name, 1 + i % 2), format('CC-%s', 4000 + 10 * u.ordinal + i % 3), format('Owner %s', 1 + i % 40)
FROM generate_series(0, current_setting('bench.projects')::int - 1) AS i
JOIN bench.unit u ON u.ordinal = i % current_setting('bench.units')::int;

CREATE TABLE bench.project AS
SELECT row_number() OVER (ORDER BY project_id)::int - 1 AS ordinal, project_id, name, business_unit
FROM wattscore.project WHERE name NOT LIKE '\_\_%';

-- Regions with every factor in force throughout.
CREATE TABLE bench.region AS
SELECT w.ordinal::int - 1 AS ordinal, r.region_id, r.code
FROM unnest(ARRAY['us-central1', 'europe-west4', 'us-east-1', 'europe-north1', 'eu-central-1', 'westus2', 'europe-west9', 'swedencentral',
                  'us-west-2', 'europe-west3', 'eu-west-1', 'francecentral']) WITH ORDINALITY AS w (code, ordinal)
JOIN wattscore.region r USING (code)
WHERE w.ordinal <= current_setting('bench.regions')::int;
