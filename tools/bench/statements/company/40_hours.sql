-- How many facts each hour gets. Grain: an hour. Days are busier than nights and
-- weekdays than weekends, demand grows over the year and energy per request falls.
-- The rounded shares of the hours add up to the number asked for.
CREATE TABLE bench.hour AS
WITH hour AS (
    SELECT h AS starts_at,
           extract(epoch FROM least(h + interval '1 hour', e.to_time) - h)::double precision AS seconds,
           0.55 + 0.45 * sin((extract(hour FROM h) - 8) * pi() / 12) AS daylight,
           extract(isodow FROM h) AS weekday,
           extract(epoch FROM h - e.from_time)::double precision / extract(epoch FROM e.to_time - e.from_time)::double precision AS elapsed
    FROM (SELECT current_setting('bench.from_time')::timestamptz AS from_time, current_setting('bench.to_time')::timestamptz AS to_time) AS e,
         generate_series(e.from_time, e.to_time - interval '1 second', '1 hour') AS h
), weighed AS (
    SELECT *, (0.25 + daylight) * CASE WHEN weekday > 5 THEN 0.6 ELSE 1 END * (1 + 0.5 * elapsed) * seconds AS weight FROM hour
), summed AS (
    SELECT *, sum(weight) OVER (ORDER BY starts_at) / sum(weight) OVER () AS until FROM weighed
)
SELECT starts_at, seconds, daylight AS demand, 1.15 - 0.25 * elapsed AS drift,
       round(current_setting('bench.facts')::bigint * coalesce(lag(until) OVER (ORDER BY starts_at), 0))::bigint AS first_fact,
       round(current_setting('bench.facts')::bigint * until)::bigint AS end_fact
FROM summed;
CREATE UNIQUE INDEX ON bench.hour (starts_at);
ANALYZE bench.hour;
