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
