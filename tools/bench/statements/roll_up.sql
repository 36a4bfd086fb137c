-- Rolls a stretch of time up, as a refresh does all at once: its sorts stay small,
-- and stretches that share no month of the calendar can be rolled up side by side.
SELECT facts
FROM wattscore.add_to_rollups((SELECT next_xid FROM wattscore.rollup_state),
                              (SELECT max(ingest_xid) + 1 FROM wattscore.inference_energy_fact), @from_time, @to_time)
