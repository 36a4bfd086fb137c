-- Latency histograms with the requests over their model's objective; grain: step
-- (an hour, or a day of the company's zone) x the asked dimension. Reads a roll-up
-- and the facts that are not rolled up yet, in one statement and so in one
-- snapshot. A request in the bin of its objective counts as within it, so the rate
-- of breaches is that of an objective at most 2 % longer.
WITH counted AS (
    SELECT /* step */ AS bucket, model_id, /* key */ AS key, bin::int AS bin, requests
    FROM /* rollup */
    WHERE bucket >= @from_time::timestamptz AND bucket < @to_time::timestamptz /* filter */
    UNION ALL
    SELECT /* step of tail */, model_id, /* key */, latency_bin::int, latency_requests
    FROM wattscore.fact_tail(@from_time, @to_time)
    WHERE latency_bin IS NOT NULL /* filter */
), objective AS (
    SELECT model_id, latency_slo_ms, ceil(ln(latency_slo_ms * 1000) / ln(1.01 / 0.99::double precision))::int AS bin
    FROM wattscore.model
), summed AS (
    SELECT c.bucket, /* member */ AS member, c.bin, sum(c.requests) AS requests,
           coalesce(sum(c.requests) FILTER (WHERE o.bin IS NOT NULL), 0) AS judged,
           coalesce(sum(c.requests) FILTER (WHERE c.bin > o.bin), 0) AS breaches,
           min(o.latency_slo_ms) AS least_slo, max(o.latency_slo_ms) AS most_slo
    FROM counted c
    LEFT JOIN objective o ON o.model_id = c.model_id /* join */
    GROUP BY c.bucket, member, c.bin
    HAVING sum(c.requests) <> 0
)
SELECT bucket, member, array_agg(bin ORDER BY bin), array_agg(requests::bigint ORDER BY bin),
       sum(judged)::bigint, sum(breaches)::bigint,
       CASE WHEN min(least_slo) = max(most_slo) THEN min(least_slo) END
FROM summed
GROUP BY bucket, member
ORDER BY bucket, member
