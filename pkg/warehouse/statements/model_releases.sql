-- The models that were released in a span; grain: one row a model. The release is
-- the day the company names, else the first day that the model served requests,
-- but for models that were there when the records begin.
WITH first_use AS (
    SELECT model_id, min(bucket) AS at
    FROM (
        SELECT d.model_id, d.bucket FROM wattscore.rollup_model_day d
        JOIN wattscore.workload w USING (workload_id) WHERE w.serves_requests
        UNION ALL
        SELECT f.model_id, date_trunc('day', f.ts, s.time_zone)
        FROM wattscore.inference_energy_fact f
        CROSS JOIN wattscore.calendar_setting s
        JOIN wattscore.workload w USING (workload_id)
        WHERE w.serves_requests AND f.ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state) AND f.ingest_xid <= (SELECT 9223372036854775807)
    ) AS used
    GROUP BY model_id
), released AS (
    SELECT m.name, coalesce(m.provider, '') AS provider, coalesce(m.task_class, '') AS task_class,
           m.released_on IS NOT NULL AS named,
           coalesce(m.released_on::timestamp AT TIME ZONE s.time_zone,
                    CASE WHEN u.at > (SELECT min(at) FROM first_use) THEN u.at END) AS at
    FROM wattscore.model m
    CROSS JOIN wattscore.calendar_setting s
    LEFT JOIN first_use u USING (model_id)
    WHERE m.name <> ALL (@reserved::text[])
      AND (@models::text[] IS NULL OR m.name = ANY (@models))
)
SELECT name, provider, task_class, named, at
FROM released
WHERE at >= @from_time::timestamptz AND at < @to_time::timestamptz
ORDER BY at, name
