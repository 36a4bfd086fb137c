-- A stretch of time that has every fact in it, to the day; one row, of nulls where there
-- is no fact. Roll-ups say it where facts are rolled up, which spares reading them all;
-- see extent.sql for how the others are found.
SELECT greatest(least((SELECT min(bucket) FROM wattscore.rollup_day),
                      (SELECT min(ts) FROM wattscore.inference_energy_fact WHERE ingest_xid >= s.next_xid AND ingest_xid <= (SELECT 9223372036854775807))),
                s.facts_from),
       greatest((SELECT max(bucket) FROM wattscore.rollup_day) + interval '2 days',
                (SELECT max(ts) FROM wattscore.inference_energy_fact WHERE ingest_xid >= s.next_xid AND ingest_xid <= (SELECT 9223372036854775807))
                    + interval '1 microsecond')
FROM wattscore.rollup_state s
