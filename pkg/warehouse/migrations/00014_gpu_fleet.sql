-- +goose Up
-- What the agents on the GPU hosts write: samples that add up to the meter, the
-- devices they are of, and the devices' health as it changes over the years.

ALTER TABLE gpu_sample
    -- The sample is of the interval [started_at, ts).
    ADD COLUMN started_at       timestamptz CHECK (started_at <= ts),
    -- The agent's own count of the device's intervals. It tells two apart that a
    -- clock which was set back gave the same time.
    ADD COLUMN sequence         bigint NOT NULL DEFAULT 0,
    ADD COLUMN region_id        int REFERENCES region,
    -- energy_nwh is what projects have of it, what the device drew without work, and
    -- a rest that no rule gives to a project.
    ADD COLUMN attributed_nwh   bigint CHECK (attributed_nwh >= 0),
    ADD COLUMN idle_nwh         bigint CHECK (idle_nwh >= 0),
    ADD COLUMN split_measured   boolean,
    -- Resets, losses and pauses in the interval over which energy may be missing.
    ADD COLUMN gaps             int NOT NULL DEFAULT 0 CHECK (gaps >= 0),
    -- What the device's power takes in: the board, or a whole superchip.
    ADD COLUMN scope            text CHECK (scope IN ('gpu', 'module')),
    ADD COLUMN power_limit_mw   bigint CHECK (power_limit_mw >= 0),
    ADD COLUMN driver_version   text,
    -- A device without power and energy, such as a MIG instance, has neither by any method.
    ALTER COLUMN method DROP NOT NULL,
    ADD CHECK (method IS NOT NULL OR energy_nwh IS NULL),
    ADD CHECK (attributed_nwh + idle_nwh <= energy_nwh),
    DROP CONSTRAINT gpu_sample_pkey,
    ADD PRIMARY KEY (gpu_uuid, ts, sequence);

-- The energy of a GPU by quarter of an hour, so that an hour and a day of every time
-- zone are a few rows. An interval counts where it ends.
CREATE TABLE gpu_energy (
    gpu_uuid   text NOT NULL,
    bucket     timestamptz NOT NULL,
    energy_nwh bigint NOT NULL,
    PRIMARY KEY (gpu_uuid, bucket)
) WITH (fillfactor = 70);

-- The devices as their agents last saw them, and their health counters as last read.
-- The counters are since the device was made where it keeps them, else since its
-- driver was loaded.
CREATE TABLE gpu_device (
    gpu_uuid           text PRIMARY KEY CHECK (gpu_uuid <> ''),
    host               text NOT NULL,
    region_id          int NOT NULL REFERENCES region,
    gpu_index          int NOT NULL,
    name               text NOT NULL,
    serial             text,
    board_part_number  text,
    vbios              text,
    pci_address        text,
    memory_total_bytes bigint CHECK (memory_total_bytes >= 0),
    driver_version     text,
    parent_uuid        text, -- the GPU that a MIG instance is a part of
    asset_id           int REFERENCES hardware_asset,
    first_seen         timestamptz NOT NULL,
    last_seen          timestamptz NOT NULL,
    lost               text, -- why the device does not answer
    ecc_corrected      bigint,
    ecc_uncorrected    bigint,
    remapped_rows      bigint,
    remap_pending      boolean,
    remap_failed       boolean,
    retired_pages      bigint,
    throttle_reasons   text[],
    throttled_ns       bigint
);
CREATE INDEX gpu_device_asset ON gpu_device (asset_id) WHERE asset_id IS NOT NULL;

-- The counters as last read on each day of the company's calendar: wear over time.
CREATE TABLE gpu_health_day (
    gpu_uuid         text NOT NULL REFERENCES gpu_device,
    day              date NOT NULL,
    read_at          timestamptz NOT NULL,
    ecc_corrected    bigint,
    ecc_uncorrected  bigint,
    remapped_rows    bigint,
    remap_pending    boolean,
    remap_failed     boolean,
    retired_pages    bigint,
    throttle_reasons text[],
    throttled_ns     bigint,
    PRIMARY KEY (gpu_uuid, day)
);

-- Samples are written once and never changed; of a device what identifies it and
-- when it was first seen stays.
REVOKE INSERT ON gpu_sample FROM wattscore_writer;
GRANT INSERT (ts, started_at, sequence, gpu_uuid, host, region_id, gpu_name, power_mw, power_limit_mw, scope, energy_counter_mj,
    energy_nwh, attributed_nwh, idle_nwh, split_measured, gaps, utilization, memory_used_bytes, memory_total_bytes, temperature_c,
    method, driver_version) ON gpu_sample TO wattscore_writer;
GRANT INSERT, UPDATE (energy_nwh) ON gpu_energy TO wattscore_writer;
GRANT INSERT, UPDATE (host, region_id, gpu_index, name, serial, board_part_number, vbios, pci_address, memory_total_bytes, driver_version,
    parent_uuid, asset_id, last_seen, lost, ecc_corrected, ecc_uncorrected, remapped_rows, remap_pending, remap_failed, retired_pages,
    throttle_reasons, throttled_ns) ON gpu_device TO wattscore_writer;
GRANT INSERT, UPDATE (read_at, ecc_corrected, ecc_uncorrected, remapped_rows, remap_pending, remap_failed, retired_pages,
    throttle_reasons, throttled_ns) ON gpu_health_day TO wattscore_writer;
