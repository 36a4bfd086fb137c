-- Notes a window, or its next revision; returns 1, or 0 where somebody else noted it
-- meanwhile.
WITH noted AS (
    INSERT INTO wattscore.prometheus_window AS w (source, started_at, ended_at, revision, content)
    VALUES (@source, @started_at, @ended_at, @revision, @content)
    ON CONFLICT (source, started_at) DO UPDATE SET revision = excluded.revision, content = excluded.content, written_at = now()
    WHERE w.revision = excluded.revision - 1 AND w.ended_at = excluded.ended_at
    RETURNING 1
)
SELECT count(*)::int FROM noted
