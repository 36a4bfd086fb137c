-- +goose Up
-- These views join the names of projects, models, endpoints and regions with the
-- owner's rights. Without a barrier a condition of the asker, such as a cast that
-- fails, could run on other units' names first and tell them in its error.
ALTER VIEW seen_fact_measure SET (security_barrier = true);
ALTER VIEW seen_event SET (security_barrier = true);
