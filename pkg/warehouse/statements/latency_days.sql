-- Latency histograms of the whole company by day, with the requests over their
-- model's objective; grain: a day of the company's zone. Reads the bins of a day
-- from one roll-up, the breaches of each model from another (or where its objective
-- was another one, its bins beyond the objective), and the facts that are not rolled
-- up yet, all in one statement and so in one snapshot. A request in the bin of its
-- objective counts as within it. A bin comes twice where it has facts that are not
-- rolled up yet, and what is taken away there counts negative. Bins can be left out.
WITH objective AS MATERIALIZED (
    SELECT model_id, latency_slo_ms, ceil(ln(latency_slo_ms * 1000) / ln(1.01 / 0.99::double precision))::int AS bin
    FROM wattscore.model
    WHERE latency_slo_ms IS NOT NULL
), tail AS MATERIALIZED (
    SELECT date_trunc('day', bucket, (SELECT time_zone FROM wattscore.calendar_setting)) AS bucket, model_id,
           latency_bin::int AS bin, latency_requests AS requests
    FROM wattscore.fact_tail(@from_time::timestamptz, @to_time::timestamptz)
    WHERE latency_bin IS NOT NULL
), binned AS (
    SELECT bucket, array_agg(bin) AS bins, array_agg(requests) AS requests
    FROM (SELECT bucket, bin::int AS bin, requests
          FROM wattscore.rollup_latency_day WHERE bucket >= @from_time AND bucket < @to_time AND /* if binned */ true
          UNION ALL
          SELECT bucket, bin, sum(requests)::bigint FROM tail WHERE /* if binned */ true GROUP BY bucket, bin) AS counted
    GROUP BY bucket
), judged AS (
    SELECT bucket, sum(requests)::bigint AS requests, sum(breaches)::bigint AS breaches,
           min(latency_slo_ms) AS least_slo, max(latency_slo_ms) AS most_slo
    FROM (SELECT bucket, model_id, sum(requests) AS requests, sum(breaches) AS breaches
          FROM (SELECT r.bucket, r.model_id, r.requests,
                       CASE WHEN r.least_bin = o.bin AND r.most_bin = o.bin THEN r.breaches
                            ELSE (SELECT sum(l.requests)
                                  FROM wattscore.rollup_latency_model_day l
                                  WHERE l.bucket = r.bucket AND l.model_id = r.model_id AND l.bin > o.bin) END AS breaches
                FROM (SELECT bucket, model_id, sum(requests) AS requests, sum(breaches) AS breaches,
                             min(objective_bin) AS least_bin, max(objective_bin) AS most_bin
                      FROM wattscore.rollup_breach_day
                      WHERE bucket >= @from_time AND bucket < @to_time
                      GROUP BY bucket, model_id) AS r
                JOIN objective o USING (model_id)
                UNION ALL
                SELECT t.bucket, t.model_id, t.requests, CASE WHEN t.bin > o.bin THEN t.requests END
                FROM tail t
                JOIN objective o USING (model_id)) AS of_model
          GROUP BY bucket, model_id
          HAVING sum(requests) <> 0) AS by_model
    JOIN objective USING (model_id)
    GROUP BY bucket
)
SELECT bucket, '' AS member, coalesce(b.bins, '{}'), coalesce(b.requests, '{}'), coalesce(j.requests, 0), coalesce(j.breaches, 0),
       CASE WHEN j.least_slo = j.most_slo THEN j.least_slo END
FROM binned b
FULL JOIN judged j USING (bucket)
ORDER BY bucket
