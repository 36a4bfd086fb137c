-- +goose Up
-- What the warehouse remembers of sources that tell more of the same later: trackers
-- that write their totals again and again, and meters of whole facilities.

-- How far a run of CodeCarbon is counted. A tracker writes its totals since it was
-- made; only what they grew by counts. Written with the facts that it is about, in one
-- transaction. What tasks_* hold was counted as tasks of the run before the run's own
-- total said so, and is taken off it.
CREATE TABLE codecarbon_run (
    run_id          text NOT NULL CHECK (run_id <> ''),
    project         text NOT NULL,
    started_at      timestamptz NOT NULL, -- the earliest that a reading says
    clock_at        timestamptz NOT NULL, -- the start by the newest reading
    counted_until   timestamptz NOT NULL,
    duration_us     bigint NOT NULL CHECK (duration_us >= 0),
    it_energy_nwh   bigint NOT NULL CHECK (it_energy_nwh >= 0),
    carbon_ug       bigint CHECK (carbon_ug >= 0),
    tasks_nwh       bigint NOT NULL DEFAULT 0,
    tasks_carbon_ug bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (run_id, project)
);
GRANT INSERT, UPDATE ON codecarbon_run TO wattscore_writer;

-- What was imported before is counted as far as its facts go, so that a file that is
-- imported again adds nothing. A fact does not say how long it lasted: the end is that of
-- the training run, or an hour after the last fact began, which is the longest that one
-- lasts. What a run used until then and was not imported is counted with its first record
-- that ends later. The microsecond keeps records that end at that very time out, whose
-- sum of rounded facts may differ from their total by some nWh. Tasks had no source of
-- their own: they are in the sum, as in the run's total.
INSERT INTO codecarbon_run (run_id, project, started_at, clock_at, counted_until, duration_us, it_energy_nwh, carbon_ug)
SELECT run_id, project, first, first, until + interval '1 microsecond', (extract(epoch FROM until - first) * 1000000)::bigint, nwh, ug
FROM (
    SELECT f.run_id, CASE p.name WHEN '__unallocated__' THEN '' ELSE p.name END AS project, min(f.ts) AS first,
           CASE WHEN max(t.ended_at) >= max(f.ts) THEN max(t.ended_at) ELSE max(f.ts) + interval '1 hour' END AS until,
           sum(f.it_energy_nwh)::bigint AS nwh,
           CASE WHEN bool_and(f.carbon_location_ug IS NOT NULL) THEN sum(f.carbon_location_ug)::bigint END AS ug
    FROM inference_energy_fact f
    JOIN project p USING (project_id)
    LEFT JOIN training_run t ON t.run_id = f.run_id AND t.project_id = f.project_id
    WHERE f.source = 'codecarbon' AND f.run_id <> ''
    GROUP BY 1, 2
) AS counted;

-- What a facility's own meters say; grain: region x reading. Either both energies of an
-- interval, or the PUE of an interval or, where it ends when it starts, of a moment.
CREATE TABLE facility_reading (
    region_id    int NOT NULL REFERENCES region,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (ends_at >= starts_at),
    facility_nwh bigint,
    it_nwh       bigint,
    pue          numeric CHECK (pue >= 1 AND pue < 10),
    source       text NOT NULL,
    PRIMARY KEY (region_id, starts_at),
    CHECK (pue IS NULL AND facility_nwh >= it_nwh AND it_nwh > 0 AND ends_at > starts_at
        OR pue IS NOT NULL AND facility_nwh IS NULL AND it_nwh IS NULL)
);
GRANT INSERT, UPDATE ON facility_reading TO wattscore_writer;
-- Nothing in it is a business unit's, as in facility_pue_reading.
GRANT SELECT ON facility_reading TO wattscore_scoped;

-- How facility_pue_reading, which has a figure for each metered day, was worked out.
ALTER TABLE facility_pue_reading ADD COLUMN boundary text NOT NULL DEFAULT '';

-- Besides the four that the query types read, metrics of a company's own.
ALTER TABLE business_metric DROP CONSTRAINT business_metric_metric_check,
    ADD CONSTRAINT business_metric_metric_check CHECK (metric ~ '^[a-z][a-z0-9_]{0,62}$');
