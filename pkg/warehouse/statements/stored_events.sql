-- Which of some events are among the facts of their time.
SELECT DISTINCT f.event_id FROM unnest(@ids::uuid[]) AS g (event_id)
JOIN wattscore.inference_energy_fact f USING (event_id)
WHERE f.ts BETWEEN @first AND @last
