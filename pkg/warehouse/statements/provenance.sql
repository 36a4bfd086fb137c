-- What an answer rests on: the factor version, the calendar, the newest event.
SELECT v.version_id, v.name, s.time_zone, s.fiscal_year_start_month,
       greatest(state.newest_event,
                (SELECT max(ts) FROM wattscore.inference_energy_fact WHERE ingest_xid >= state.next_xid AND ingest_xid <= (SELECT 9223372036854775807))) AS newest_event
FROM wattscore.calendar_setting s
CROSS JOIN wattscore.rollup_state state
LEFT JOIN wattscore.factor_version v
       ON CASE WHEN @factor_version::int IS NULL THEN v.in_force ELSE v.version_id = @factor_version END
