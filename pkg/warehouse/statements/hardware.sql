-- The assets and their life up to a time; grain: one row an asset.
SELECT h.serial, h.accelerator, coalesce(r.code, ''), coalesce(h.business_unit, ''),
       h.purchase_cost_usd::double precision, h.lifetime_years::double precision,
       h.embodied_kg::double precision, h.embodied_low_kg::double precision, h.embodied_high_kg::double precision,
       coalesce(h.embodied_boundary, ''), coalesce(h.embodied_source, ''),
       array_agg(v.stage ORDER BY v.ts, v.stage), array_agg(v.ts ORDER BY v.ts, v.stage),
       g.ecc_uncorrected, g.remapped_rows, g.retired_pages, g.remap_pending, g.remap_failed, coalesce(g.lost, false)
FROM wattscore.hardware_embodied h
JOIN wattscore.hardware_event v USING (asset_id)
-- The GPUs of a board as their agent last saw them, whatever the time asked for.
LEFT JOIN LATERAL (SELECT sum(ecc_uncorrected)::bigint AS ecc_uncorrected, sum(remapped_rows)::bigint AS remapped_rows,
                          sum(retired_pages)::bigint AS retired_pages, bool_or(remap_pending) AS remap_pending,
                          bool_or(remap_failed) AS remap_failed, bool_or(lost IS NOT NULL) AS lost
                   FROM wattscore.gpu_device d WHERE d.asset_id = h.asset_id) g ON true
LEFT JOIN wattscore.region r USING (region_id)
WHERE v.ts < @until
  AND (@business_units::text[] IS NULL OR h.business_unit = ANY (@business_units))
  AND (@regions::text[] IS NULL OR r.code = ANY (@regions))
GROUP BY h.asset_id, h.serial, h.accelerator, r.code, h.business_unit, h.purchase_cost_usd, h.lifetime_years, h.embodied_kg,
         h.embodied_low_kg, h.embodied_high_kg, h.embodied_boundary, h.embodied_source, g.ecc_uncorrected, g.remapped_rows,
         g.retired_pages, g.remap_pending, g.remap_failed, g.lost
ORDER BY h.serial
