-- Remembers how spans are related to counted ones; what was known stays.
INSERT INTO wattscore.telemetry_span AS t (span, kinship)
SELECT span, kinship FROM unnest(@spans::uuid[], @kinships::smallint[]) AS s (span, kinship)
ORDER BY span
ON CONFLICT (span) DO UPDATE SET kinship = t.kinship | excluded.kinship
WHERE t.kinship | excluded.kinship <> t.kinship
