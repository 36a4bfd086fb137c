-- When published numbers were restated in a span; grain: one row a restatement.
SELECT r.restated_at, coalesce(r.from_version, 0), coalesce(f.name, ''), r.to_version, t.name
FROM wattscore.factor_restatement r
JOIN wattscore.factor_version t ON t.version_id = r.to_version
LEFT JOIN wattscore.factor_version f ON f.version_id = r.from_version
WHERE r.restated_at >= @from_time::timestamptz AND r.restated_at < @to_time::timestamptz
ORDER BY r.restated_at, r.restatement_id
