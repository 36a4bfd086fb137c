-- The assets and their life up to a time; grain: one row an asset.
SELECT h.serial, h.accelerator, coalesce(r.code, ''), coalesce(h.business_unit, ''),
       h.purchase_cost_usd::double precision, h.lifetime_years::double precision,
       h.embodied_kg::double precision, h.embodied_low_kg::double precision, h.embodied_high_kg::double precision,
       coalesce(h.embodied_boundary, ''), coalesce(h.embodied_source, ''),
       v.stages, v.times, g.ecc_uncorrected, g.remapped_rows, g.retired_pages, g.remap_pending, g.remap_failed, coalesce(g.lost, false)
FROM wattscore.hardware_embodied h
JOIN (SELECT asset_id, array_agg(stage ORDER BY ts, stage) AS stages, array_agg(ts ORDER BY ts, stage) AS times
      FROM wattscore.hardware_event
      WHERE ts < @until
      GROUP BY asset_id) v USING (asset_id)
-- The GPUs of a board as their agent last saw them, whatever the time asked for.
LEFT JOIN (SELECT asset_id, sum(ecc_uncorrected)::bigint AS ecc_uncorrected, sum(remapped_rows)::bigint AS remapped_rows,
                  sum(retired_pages)::bigint AS retired_pages, bool_or(remap_pending) AS remap_pending,
                  bool_or(remap_failed) AS remap_failed, bool_or(lost IS NOT NULL) AS lost
           FROM wattscore.gpu_device
           WHERE asset_id IS NOT NULL
           GROUP BY asset_id) g USING (asset_id)
LEFT JOIN wattscore.region r USING (region_id)
WHERE (@business_units::text[] IS NULL OR h.business_unit = ANY (@business_units))
  AND (@regions::text[] IS NULL OR r.code = ANY (@regions))
ORDER BY h.serial
