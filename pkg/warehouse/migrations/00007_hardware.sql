-- +goose Up
-- The machines: what they embody, and their way from purchase to recycling.

-- Embodied carbon differs several-fold between methods, so each figure has its
-- range, boundary and source.
CREATE TABLE accelerator (
    accelerator       text PRIMARY KEY,
    embodied_kg       numeric NOT NULL CHECK (embodied_kg > 0),
    embodied_low_kg   numeric NOT NULL CHECK (embodied_low_kg > 0),
    embodied_high_kg  numeric NOT NULL CHECK (embodied_high_kg >= embodied_low_kg),
    embodied_boundary text NOT NULL,
    embodied_source   text NOT NULL,
    embodied_year     smallint NOT NULL
);

CREATE TABLE hardware_asset (
    asset_id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    serial            text NOT NULL UNIQUE CHECK (serial <> ''),
    accelerator       text NOT NULL,
    region_id         int REFERENCES region,
    business_unit     text,
    purchase_cost_usd numeric CHECK (purchase_cost_usd >= 0),
    lifetime_years    numeric NOT NULL DEFAULT 4 CHECK (lifetime_years > 0),
    -- NULL takes the accelerator's figure.
    embodied_kg       numeric CHECK (embodied_kg >= 0),
    embodied_low_kg   numeric,
    embodied_high_kg  numeric,
    embodied_boundary text,
    embodied_source   text,
    embodied_year     smallint,
    CHECK (embodied_kg IS NULL OR (embodied_boundary IS NOT NULL AND embodied_source IS NOT NULL))
);

CREATE TABLE hardware_event (
    asset_id int NOT NULL REFERENCES hardware_asset,
    ts       timestamptz NOT NULL,
    stage    text NOT NULL
             CHECK (stage IN ('procured', 'deployed', 'decommissioned', 'reused', 'recycled', 'e_waste')),
    source   text NOT NULL,
    PRIMARY KEY (asset_id, ts, stage)
);

-- An asset with the embodied figures that count for it: its own, else its
-- accelerator's.
CREATE VIEW hardware_embodied AS
SELECT h.asset_id, h.serial, h.accelerator, h.region_id, h.business_unit, h.purchase_cost_usd, h.lifetime_years,
       coalesce(h.embodied_kg, a.embodied_kg) AS embodied_kg,
       CASE WHEN h.embodied_kg IS NULL THEN a.embodied_low_kg ELSE coalesce(h.embodied_low_kg, h.embodied_kg) END AS embodied_low_kg,
       CASE WHEN h.embodied_kg IS NULL THEN a.embodied_high_kg ELSE coalesce(h.embodied_high_kg, h.embodied_kg) END AS embodied_high_kg,
       CASE WHEN h.embodied_kg IS NULL THEN a.embodied_boundary ELSE h.embodied_boundary END AS embodied_boundary,
       CASE WHEN h.embodied_kg IS NULL THEN a.embodied_source ELSE h.embodied_source END AS embodied_source
FROM hardware_asset h LEFT JOIN accelerator a USING (accelerator);
