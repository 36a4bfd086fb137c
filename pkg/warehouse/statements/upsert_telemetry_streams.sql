-- Moves streams on to their new readings, each from the one that the caller knew;
-- returns how many moved. One that somebody else moved meanwhile does not.
WITH moved AS (
    INSERT INTO wattscore.telemetry_stream AS t (stream, at_ns, reading)
    SELECT stream, at_ns, reading FROM unnest(@streams::uuid[], @at_ns::bigint[], @readings::jsonb[]) AS s (stream, at_ns, reading)
    ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET at_ns = excluded.at_ns, reading = excluded.reading, seen_at = now()
    WHERE t.at_ns = (SELECT known FROM unnest(@streams::uuid[], @known_ns::bigint[]) AS k (stream, known) WHERE k.stream = t.stream)
    RETURNING 1
)
SELECT count(*)::int FROM moved
