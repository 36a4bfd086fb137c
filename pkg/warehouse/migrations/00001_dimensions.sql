-- +goose Up
-- The dimensions of the star: who used which model, where, for what.

CREATE TABLE task_class (
    task_class  text PRIMARY KEY,
    label       text NOT NULL
);

CREATE TABLE model (
    model_id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                 text NOT NULL UNIQUE CHECK (name <> ''),
    provider             text,
    family               text,
    task_class           text REFERENCES task_class,
    parameters_billion   double precision CHECK (parameters_billion > 0),
    accuracy             double precision,
    accuracy_metric      text,
    business_criticality smallint CHECK (business_criticality BETWEEN 0 AND 100),
    stage                text NOT NULL DEFAULT 'production'
                         CHECK (stage IN ('development', 'staging', 'production', 'retired')),
    latency_slo_ms       double precision CHECK (latency_slo_ms > 0)
);

CREATE TABLE project (
    project_id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name <> ''),
    team          text,
    business_unit text,
    product_line  text,
    cost_centre   text,
    owner         text
);

-- A region is a cloud region (us-central1) or, for hardware of one's own, a
-- country by its ISO 3166-1 alpha-3 code (FRA).
CREATE TABLE region (
    region_id    int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL UNIQUE CHECK (code <> ''),
    cloud        text,
    location     text NOT NULL,
    country_code text CHECK (country_code ~ '^[A-Z]{3}$')
);

CREATE TABLE endpoint (
    endpoint_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name <> '')
);

CREATE TABLE workload (
    workload_id     smallint PRIMARY KEY,
    code            text NOT NULL UNIQUE,
    label           text NOT NULL,
    -- Only work that answers requests is scored against a reference per request.
    serves_requests boolean NOT NULL
);

CREATE TABLE training_run (
    run_id          text PRIMARY KEY CHECK (run_id <> ''),
    model_id        int REFERENCES model,
    project_id      int REFERENCES project,
    feature         text,
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz CHECK (ended_at >= started_at),
    gpu_count       int CHECK (gpu_count > 0),
    gpu_model       text,
    accuracy        double precision,
    accuracy_metric text
);

INSERT INTO workload (workload_id, code, label, serves_requests) VALUES
    (1, 'inference',   'Inference',   true),
    (2, 'batch',       'Batch',       true),
    (3, 'embedding',   'Embedding',   true),
    (4, 'training',    'Training',    false),
    (5, 'fine_tuning', 'Fine-tuning', false),
    (6, 'evaluation',  'Evaluation',  false),
    (7, 'idle',        'Idle',        false);

-- Members for what nobody answers for: rows of their own, so totals reconcile.
INSERT INTO model (name) VALUES ('__idle__'), ('__unallocated__');
INSERT INTO project (name, team, business_unit, product_line, cost_centre, owner) VALUES
    ('__idle__', '__idle__', '__idle__', '__idle__', '__idle__', '__idle__'),
    ('__unallocated__', '__unallocated__', '__unallocated__', '__unallocated__', '__unallocated__', '__unallocated__');
INSERT INTO endpoint (name) VALUES ('__none__');
