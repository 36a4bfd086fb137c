-- The models that were released in a span; grain: one row a model. The release is
-- the day the company names, else the first day that the model served requests,
-- but for models that were there when the records begin.
WITH tail AS MATERIALIZED (
    -- What was taken out is there a second time, with the other sign.
    SELECT f.model_id, date_trunc('month', f.ts, s.time_zone) AS month, date_trunc('day', f.ts, s.time_zone) AS bucket, sum(f.events) AS events
    FROM wattscore.fact_tail('-infinity', 'infinity') f
    CROSS JOIN wattscore.calendar_setting s
    JOIN wattscore.workload w USING (workload_id)
    WHERE w.serves_requests
    GROUP BY 1, 2, 3
), used_month AS (
    SELECT model_id, month
    FROM (
        SELECT r.model_id, r.bucket AS month, r.events
        FROM wattscore.rollup_model_month r JOIN wattscore.workload w USING (workload_id)
        WHERE w.serves_requests
        UNION ALL
        SELECT model_id, month, events FROM tail
    ) AS pieces
    GROUP BY model_id, month HAVING sum(events) > 0
), first_month AS MATERIALIZED (
    SELECT model_id, min(month) AS month FROM used_month GROUP BY model_id
), months AS MATERIALIZED (
    SELECT DISTINCT month, (month AT TIME ZONE time_zone + interval '1 month') AT TIME ZONE time_zone AS until
    FROM first_month CROSS JOIN wattscore.calendar_setting
), used_day AS (
    -- Of the months in which some model was first used, and no others.
    SELECT model_id, bucket
    FROM (
        SELECT d.model_id, d.bucket, d.events
        FROM months m
        CROSS JOIN LATERAL (SELECT bucket, model_id, workload_id, events FROM wattscore.rollup_model_day
                            WHERE bucket >= m.month AND bucket < m.until OFFSET 0) AS d
        JOIN first_month f ON f.model_id = d.model_id AND f.month = m.month
        JOIN wattscore.workload w ON w.workload_id = d.workload_id AND w.serves_requests
        UNION ALL
        SELECT t.model_id, t.bucket, t.events FROM tail t JOIN first_month USING (model_id, month)
    ) AS pieces
    GROUP BY model_id, bucket HAVING sum(events) > 0
), first_use AS (
    SELECT model_id, min(bucket) AS at FROM used_day GROUP BY model_id
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
