-- A stretch of time that has every fact in it, to the day; one row, of nulls where there
-- is no fact. Roll-ups say it where facts are rolled up, which spares reading them all.
WITH waiting AS (
    SELECT min(f.ts) AS first, max(f.ts) AS last
    FROM wattscore.inference_energy_fact f, wattscore.rollup_state s
    WHERE f.ingest_xid >= s.next_xid
), rolled AS (
    SELECT min(bucket) AS first, max(bucket) AS last FROM wattscore.rollup_day
)
SELECT greatest(least(r.first, w.first), s.facts_from), greatest(r.last + interval '2 days', w.last + interval '1 microsecond')
FROM wattscore.rollup_state s, waiting w, rolled r
