-- From the first hour to the newest event in the warehouse; one row.
SELECT least((SELECT min(bucket) FROM wattscore.rollup_day),
             (SELECT min(ts) FROM wattscore.inference_energy_fact WHERE ingest_xid >= s.next_xid AND ingest_xid <= (SELECT 9223372036854775807))),
       greatest(s.newest_event, (SELECT max(ts) FROM wattscore.inference_energy_fact WHERE ingest_xid >= s.next_xid AND ingest_xid <= (SELECT 9223372036854775807)))
FROM wattscore.rollup_state s
