-- What each source has sent of a span; grain: one row a source. Reads the facts
-- themselves, so the span has to be short.
SELECT source, count(*) FILTER (WHERE slice = 0), (sum(it_energy_nwh) / 1e12)::double precision,
       (coalesce(sum(it_energy_nwh) FILTER (WHERE measured), 0) / 1e12)::double precision, max(ts)
FROM wattscore.inference_energy_fact
WHERE ts >= @from_time::timestamptz AND ts < @to_time::timestamptz
GROUP BY source
ORDER BY 3 DESC, source
