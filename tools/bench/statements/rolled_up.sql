-- Says that all facts are rolled up. Only who has loaded them alone may.
UPDATE wattscore.rollup_state
   SET next_xid = (SELECT max(ingest_xid) + 1 FROM wattscore.inference_energy_fact),
       newest_event = (SELECT max(ts) FROM wattscore.inference_energy_fact), refreshed_at = clock_timestamp()
