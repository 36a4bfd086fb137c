-- The bench's own schema, and the company's calendar. What follows is the same at
-- every run: what looks random is a hash of what it is for.
-- Parameters of all statements here are settings of the session: bench.models,
-- bench.projects, bench.units, bench.regions, bench.combinations, bench.assets,
-- bench.facts, bench.from_time and bench.to_time.
CREATE SCHEMA bench;

-- A year that begins in February, of a zone with daylight saving.
SELECT wattscore.set_calendar('Europe/Berlin', 2::smallint);

SELECT wattscore.ensure_partitions(current_setting('bench.from_time')::timestamptz, current_setting('bench.to_time')::timestamptz);

-- A number from 0 to below 1 that depends on its two arguments alone.
CREATE FUNCTION bench.draw(purpose text, n bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$ SELECT ((hashint8extended(n, hashtext(purpose)) >> 11) & ((1::bigint << 52) - 1)) / (1::bigint << 52)::double precision $$;
