-- Latency histograms with the requests over their model's objective; grain: step
-- (an hour, or a day of the company's zone) x the asked dimension. Reads the
-- hourly roll-up and the facts that are not rolled up yet, in one statement and so
-- in one snapshot. A request in the bin of its objective counts as within it, so
-- the rate of breaches is that of an objective at most 2 % longer.
WITH counted AS (
    SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id, bin::int AS bin, requests
    FROM wattscore.rollup_latency_hour
    WHERE bucket >= @from_time::timestamptz AND bucket < @to_time::timestamptz
    UNION ALL
    SELECT bucket, model_id, project_id, region_id, endpoint_id, workload_id, latency_bin::int, latency_requests
    FROM wattscore.fact_measure
    WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state) AND latency_bin IS NOT NULL
      AND ts >= @from_time::timestamptz AND ts < @to_time::timestamptz
), objective AS (
    SELECT model_id, name, latency_slo_ms, provider, family, task_class, stage,
           ceil(ln(latency_slo_ms * 1000) / ln(1.01 / 0.99::double precision))::int AS bin
    FROM wattscore.model
), binned AS (
    SELECT CASE WHEN @by_day::boolean THEN date_trunc('day', c.bucket, s.time_zone) ELSE c.bucket END AS bucket,
           coalesce(CASE @dimension::text
               WHEN 'businessUnit' THEN p.business_unit WHEN 'team' THEN p.team WHEN 'project' THEN p.name
               WHEN 'model' THEN m.name WHEN 'region' THEN r.code WHEN 'endpoint' THEN e.name
               WHEN '' THEN '' END, '__none__') AS member,
           c.bin, c.requests,
           CASE WHEN m.bin IS NOT NULL THEN c.requests ELSE 0 END AS judged,
           CASE WHEN c.bin > m.bin THEN c.requests ELSE 0 END AS breaches,
           m.latency_slo_ms
    FROM counted c
    CROSS JOIN wattscore.calendar_setting s
    JOIN objective m USING (model_id)
    JOIN wattscore.project p USING (project_id)
    JOIN wattscore.region r USING (region_id)
    JOIN wattscore.endpoint e USING (endpoint_id)
    JOIN wattscore.workload w USING (workload_id)
    WHERE (@business_units::text[] IS NULL OR p.business_unit = ANY (@business_units))
      AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
      AND (@projects::text[] IS NULL OR p.name = ANY (@projects))
      AND (@models::text[] IS NULL OR m.name = ANY (@models))
      AND (@regions::text[] IS NULL OR r.code = ANY (@regions))
      AND (@workloads::text[] IS NULL OR w.code = ANY (@workloads))
      AND (@endpoints::text[] IS NULL OR e.name = ANY (@endpoints))
), summed AS (
    SELECT bucket, member, bin, sum(requests) AS requests, sum(judged) AS judged, sum(breaches) AS breaches,
           min(latency_slo_ms) AS least_slo, max(latency_slo_ms) AS most_slo
    FROM binned
    GROUP BY bucket, member, bin
)
SELECT bucket, member, array_agg(bin ORDER BY bin), array_agg(requests::bigint ORDER BY bin),
       sum(judged)::bigint, sum(breaches)::bigint,
       CASE WHEN min(least_slo) = max(most_slo) THEN min(least_slo) END
FROM summed
GROUP BY bucket, member
ORDER BY bucket, member
