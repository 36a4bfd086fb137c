-- Takes out the facts that a source has in a window, but those that were written just
-- now.
DELETE FROM wattscore.event e
WHERE e.source = @source::text AND e.ts >= @started_at::timestamptz AND e.ts < @ended_at::timestamptz
  AND NOT EXISTS (SELECT FROM unnest(@written::uuid[]) AS w (id) WHERE w.id = e.event_id)
