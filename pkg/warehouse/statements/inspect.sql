-- The state of the warehouse; one row.
SELECT has_table_privilege('wattscore.inference_energy_fact', 'INSERT, UPDATE, DELETE, TRUNCATE')
           OR has_any_column_privilege('wattscore.inference_energy_fact', 'INSERT, UPDATE')
           OR has_table_privilege('wattscore.region_factor', 'INSERT, UPDATE, DELETE'),
       greatest(state.newest_event, tail.newest_event), state.refreshed_at, tail.facts,
       wattscore.was_restored(), state.facts_from
FROM wattscore.rollup_state state
CROSS JOIN LATERAL (
    SELECT max(ts) AS newest_event, count(*) AS facts
    FROM (SELECT ts FROM wattscore.fact_measure WHERE xid >= state.next_xid AND xid <= (SELECT 9223372036854775807) LIMIT @most_facts::int) AS waiting
) AS tail
