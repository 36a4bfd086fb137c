-- +goose Up
-- The windows that were pulled from a Prometheus, so that a window is in the facts once:
-- whatever ranges are asked for, whoever asks, and whether or not the mapping changed
-- meanwhile.

CREATE TABLE prometheus_window (
    source     text NOT NULL CHECK (source <> ''), -- what wrote the window's facts
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL CHECK (ended_at > started_at),
    -- How often the window was replaced. It is a part of its facts' ids, because a fact
    -- that was taken out stays out.
    revision   int NOT NULL CHECK (revision >= 0),
    content    bytea NOT NULL, -- hash of the window's facts
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, started_at)
);

GRANT INSERT, UPDATE (revision, content, written_at) ON prometheus_window TO wattscore_writer;
