-- Waits until nobody else counts records of these runs, and holds them until the
-- transaction ends. Runs share 64 locks, because a batch may have thousands of runs and a
-- server has not so many locks; taken in one order everywhere, so that two cannot wait
-- for each other.
SELECT pg_advisory_xact_lock(hashtext('wattscore.codecarbon_run'), share)
FROM (SELECT DISTINCT (hashtextextended(run_id, length(project)) & 63)::int AS share
      FROM unnest(@run_id::text[], @project::text[]) AS g (run_id, project) ORDER BY share OFFSET 0) AS sorted
