-- The windows of a source that touch a span; grain: one row a window.
SELECT started_at, ended_at, revision, content
FROM wattscore.prometheus_window
WHERE source = @source::text AND started_at < @ended_at::timestamptz AND ended_at > @started_at::timestamptz
ORDER BY started_at
