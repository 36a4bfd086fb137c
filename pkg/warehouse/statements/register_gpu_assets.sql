-- Brings devices that are new, or moved to another host, into the hardware inventory;
-- grain: one row a board. What the inventory says of an asset stays; one that is not
-- in service comes into it when its GPU is seen, unless it is past that. Returns the
-- serial number of each asset that was deployed.
WITH given AS (
    SELECT DISTINCT ON (serial) d.gpu_uuid, coalesce(d.serial, d.gpu_uuid) AS serial,
           coalesce(a.accelerator, d.name) AS accelerator, d.region_id, d.last_seen AS seen_at
    FROM unnest(@gpu_uuid::text[], @accelerator::text[]) AS g (gpu_uuid, accelerator)
    JOIN wattscore.gpu_device d USING (gpu_uuid)
    LEFT JOIN wattscore.accelerator a ON a.accelerator = g.accelerator
    ORDER BY serial, d.gpu_uuid
), made AS (
    INSERT INTO wattscore.hardware_asset (serial, accelerator, region_id)
    SELECT serial, accelerator, region_id FROM given ORDER BY serial
    ON CONFLICT (serial) DO NOTHING
    RETURNING asset_id, serial
), asset AS (
    SELECT asset_id, serial FROM made
    UNION ALL SELECT asset_id, serial FROM wattscore.hardware_asset WHERE serial IN (SELECT serial FROM given)
), linked AS (
    UPDATE wattscore.gpu_device d SET asset_id = a.asset_id
    FROM asset a
    WHERE d.gpu_uuid = ANY (@gpu_uuid::text[]) AND coalesce(d.serial, d.gpu_uuid) = a.serial AND d.asset_id IS DISTINCT FROM a.asset_id
), deployed AS (
    INSERT INTO wattscore.hardware_event (asset_id, ts, stage, source)
    SELECT a.asset_id, g.seen_at, 'deployed', @source
    FROM given g JOIN asset a USING (serial)
    WHERE coalesce((SELECT e.stage FROM wattscore.hardware_event e
                    WHERE e.asset_id = a.asset_id AND e.ts <= g.seen_at
                    ORDER BY e.ts DESC, array_position(ARRAY['procured', 'deployed', 'decommissioned', 'reused', 'recycled', 'e_waste'], e.stage) DESC
                    LIMIT 1), 'procured') IN ('procured', 'decommissioned')
    ORDER BY a.asset_id
    ON CONFLICT DO NOTHING
    RETURNING asset_id
)
SELECT a.serial FROM deployed JOIN asset a USING (asset_id) ORDER BY 1
