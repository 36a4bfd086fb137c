-- +goose Up
-- The time dimension: days of the company's time zone with its fiscal year.

-- One row. Day roll-ups and factor periods begin at this zone's midnights, so a
-- change of zone goes through set_calendar, which rebuilds them.
CREATE TABLE calendar_setting (
    only_row                boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    time_zone               text NOT NULL,
    fiscal_year_start_month smallint NOT NULL CHECK (fiscal_year_start_month BETWEEN 1 AND 12)
);
INSERT INTO calendar_setting (time_zone, fiscal_year_start_month) VALUES ('UTC', 1);

CREATE TABLE calendar_day (
    day            date PRIMARY KEY,
    starts_at      timestamptz NOT NULL,
    iso_year       smallint NOT NULL,
    iso_week       smallint NOT NULL,
    month          smallint NOT NULL,
    quarter        smallint NOT NULL,
    year           smallint NOT NULL,
    -- A fiscal year is named after the calendar year in which it ends.
    fiscal_year    smallint NOT NULL,
    fiscal_quarter smallint NOT NULL,
    fiscal_month   smallint NOT NULL,
    is_weekend     boolean NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION fill_calendar() RETURNS void LANGUAGE sql AS $$
    TRUNCATE wattscore.calendar_day;
    INSERT INTO wattscore.calendar_day
    SELECT d::date,
           d::timestamp AT TIME ZONE s.time_zone,
           extract(isoyear FROM d), extract(week FROM d), extract(month FROM d),
           extract(quarter FROM d), extract(year FROM d),
           extract(year FROM shifted.day) + CASE WHEN s.fiscal_year_start_month > 1 THEN 1 ELSE 0 END,
           extract(quarter FROM shifted.day), extract(month FROM shifted.day),
           extract(isodow FROM d) > 5
    FROM wattscore.calendar_setting s,
         generate_series('2015-01-01'::timestamp, '2045-12-31'::timestamp, '1 day') AS d,
         -- The first of the month shifts without falling off a shorter month's end.
         LATERAL (SELECT date_trunc('month', d) - make_interval(months => s.fiscal_year_start_month - 1) AS day) AS shifted;
$$;
-- +goose StatementEnd

SELECT fill_calendar();
