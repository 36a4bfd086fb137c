-- The newest factor version, which imports are compared with, and the one in force.
SELECT max(version_id), max(version_id) FILTER (WHERE in_force) FROM wattscore.factor_version
