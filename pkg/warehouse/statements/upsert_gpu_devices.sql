-- Stores devices as they were last seen, and their health by day; grain: one row a
-- device. What is older than what is there changes nothing. Returns the devices that
-- are new, or in another host than before.
WITH given AS (
    SELECT g.gpu_uuid, g.host, r.region_id, g.gpu_index, g.name, g.serial, g.board_part_number, g.vbios, g.pci_address,
           g.memory_total_bytes, g.driver_version, g.parent_uuid, g.seen_at, g.lost, g.ecc_corrected, g.ecc_uncorrected,
           g.remapped_rows, g.remap_pending, g.remap_failed, g.retired_pages,
           CASE WHEN g.throttle_reasons IS NOT NULL THEN string_to_array(g.throttle_reasons, E'\n') END AS throttle_reasons, g.throttled_ns
    FROM unnest(@gpu_uuid::text[], @host::text[], @region::text[], @gpu_index::int[], @name::text[], @serial::text[],
        @board_part_number::text[], @vbios::text[], @pci_address::text[], @memory_total_bytes::bigint[], @driver_version::text[],
        @parent_uuid::text[], @seen_at::timestamptz[], @lost::text[], @ecc_corrected::bigint[], @ecc_uncorrected::bigint[],
        @remapped_rows::bigint[], @remap_pending::boolean[], @remap_failed::boolean[], @retired_pages::bigint[],
        @throttle_reasons::text[], @throttled_ns::bigint[])
        AS g (gpu_uuid, host, region, gpu_index, name, serial, board_part_number, vbios, pci_address, memory_total_bytes,
              driver_version, parent_uuid, seen_at, lost, ecc_corrected, ecc_uncorrected, remapped_rows, remap_pending,
              remap_failed, retired_pages, throttle_reasons, throttled_ns)
    JOIN wattscore.region r ON r.code = g.region
), before AS (
    SELECT gpu_uuid, host FROM wattscore.gpu_device WHERE gpu_uuid = ANY (@gpu_uuid::text[])
), stored AS (
    INSERT INTO wattscore.gpu_device AS d (gpu_uuid, host, region_id, gpu_index, name, serial, board_part_number, vbios, pci_address,
        memory_total_bytes, driver_version, parent_uuid, first_seen, last_seen, lost, ecc_corrected, ecc_uncorrected, remapped_rows,
        remap_pending, remap_failed, retired_pages, throttle_reasons, throttled_ns)
    SELECT gpu_uuid, host, region_id, gpu_index, name, serial, board_part_number, vbios, pci_address,
        memory_total_bytes, driver_version, parent_uuid, seen_at, seen_at, lost, ecc_corrected, ecc_uncorrected, remapped_rows,
        remap_pending, remap_failed, retired_pages, throttle_reasons, throttled_ns
    FROM given ORDER BY gpu_uuid
    ON CONFLICT (gpu_uuid) DO UPDATE SET
        host = excluded.host, region_id = excluded.region_id, gpu_index = excluded.gpu_index, name = excluded.name,
        serial = coalesce(excluded.serial, d.serial), board_part_number = coalesce(excluded.board_part_number, d.board_part_number),
        vbios = coalesce(excluded.vbios, d.vbios), pci_address = coalesce(excluded.pci_address, d.pci_address),
        memory_total_bytes = coalesce(excluded.memory_total_bytes, d.memory_total_bytes),
        driver_version = coalesce(excluded.driver_version, d.driver_version), parent_uuid = excluded.parent_uuid,
        last_seen = excluded.last_seen, lost = excluded.lost,
        ecc_corrected = coalesce(excluded.ecc_corrected, d.ecc_corrected),
        ecc_uncorrected = coalesce(excluded.ecc_uncorrected, d.ecc_uncorrected),
        remapped_rows = coalesce(excluded.remapped_rows, d.remapped_rows), remap_pending = coalesce(excluded.remap_pending, d.remap_pending),
        remap_failed = coalesce(excluded.remap_failed, d.remap_failed), retired_pages = coalesce(excluded.retired_pages, d.retired_pages),
        throttle_reasons = excluded.throttle_reasons, throttled_ns = coalesce(excluded.throttled_ns, d.throttled_ns)
    WHERE excluded.last_seen > d.last_seen
    RETURNING gpu_uuid, host
), day AS (
    INSERT INTO wattscore.gpu_health_day AS h (gpu_uuid, day, read_at, ecc_corrected, ecc_uncorrected, remapped_rows, remap_pending,
        remap_failed, retired_pages, throttle_reasons, throttled_ns)
    SELECT gpu_uuid, (seen_at AT TIME ZONE s.time_zone)::date AS day, seen_at, ecc_corrected, ecc_uncorrected, remapped_rows, remap_pending,
        remap_failed, retired_pages, throttle_reasons, throttled_ns
    FROM given, wattscore.calendar_setting s
    WHERE lost IS NULL
    ORDER BY gpu_uuid, day
    ON CONFLICT (gpu_uuid, day) DO UPDATE SET
        read_at = excluded.read_at, ecc_corrected = excluded.ecc_corrected, ecc_uncorrected = excluded.ecc_uncorrected,
        remapped_rows = excluded.remapped_rows, remap_pending = excluded.remap_pending, remap_failed = excluded.remap_failed,
        retired_pages = excluded.retired_pages, throttle_reasons = excluded.throttle_reasons, throttled_ns = excluded.throttled_ns
    WHERE excluded.read_at > h.read_at
)
SELECT s.gpu_uuid FROM stored s LEFT JOIN before b USING (gpu_uuid) WHERE b.host IS DISTINCT FROM s.host
