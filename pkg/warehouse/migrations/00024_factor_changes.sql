-- +goose Up
-- Whether a factor changes within a month, which every question of whole months asks.
CREATE INDEX factor_period_begins ON factor_period (version_id, valid_from);
