-- The GPUs whose energy counters are collected on their hosts, and when they first and
-- last were; grain: one row a GPU.
SELECT d.gpu_uuid, d.first_seen, d.last_seen
FROM wattscore.gpu_device d
WHERE EXISTS (SELECT FROM wattscore.gpu_energy e WHERE e.gpu_uuid = d.gpu_uuid)
