-- The hosts whose GPUs' energy counters are collected, and when they first and last
-- were; grain: one row a host.
SELECT d.host, min(d.first_seen), max(d.last_seen)
FROM wattscore.gpu_device d
WHERE EXISTS (SELECT FROM wattscore.gpu_energy e WHERE e.gpu_uuid = d.gpu_uuid)
GROUP BY d.host
