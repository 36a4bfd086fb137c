-- The first and the last day of a span on which anything used energy; one row.
SELECT least((SELECT min(bucket) FROM wattscore.rollup_day WHERE bucket >= @from_time::timestamptz AND bucket < @to_time::timestamptz AND (events <> 0 OR requests <> 0 OR it_energy_nwh <> 0)),
             tail.first_day),
       greatest((SELECT max(bucket) FROM wattscore.rollup_day WHERE bucket >= @from_time AND bucket < @to_time AND (events <> 0 OR requests <> 0 OR it_energy_nwh <> 0)),
                tail.last_day)
FROM (SELECT date_trunc('day', min(f.ts), s.time_zone) AS first_day, date_trunc('day', max(f.ts), s.time_zone) AS last_day
      FROM wattscore.calendar_setting s
      -- By transaction first: with the time beside it the index of times would be read too.
      LEFT JOIN (SELECT ts FROM wattscore.inference_energy_fact
                 WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state) AND ingest_xid <= (SELECT 9223372036854775807) OFFSET 0) AS f
             ON f.ts >= @from_time AND f.ts < @to_time
      GROUP BY s.time_zone) AS tail
