-- The newest factor version, which imports are compared with, the one in force, and
-- whether the newest gathers metered PUE as the caller's does and was never in force.
SELECT max(version_id), max(version_id) FILTER (WHERE in_force),
       coalesce((SELECT name = @gathering AND @name = @gathering AND in_force_at IS NULL
                 FROM wattscore.factor_version ORDER BY version_id DESC LIMIT 1), false)
FROM wattscore.factor_version
