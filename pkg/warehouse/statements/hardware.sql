-- The assets and their life up to a time; grain: one row an asset.
SELECT h.serial, h.accelerator, coalesce(r.code, ''), coalesce(h.business_unit, ''),
       h.purchase_cost_usd::double precision, h.lifetime_years::double precision,
       h.embodied_kg::double precision, h.embodied_low_kg::double precision, h.embodied_high_kg::double precision,
       coalesce(h.embodied_boundary, ''), coalesce(h.embodied_source, ''),
       array_agg(v.stage ORDER BY v.ts, v.stage), array_agg(v.ts ORDER BY v.ts, v.stage)
FROM wattscore.hardware_embodied h
JOIN wattscore.hardware_event v USING (asset_id)
LEFT JOIN wattscore.region r USING (region_id)
WHERE v.ts < @until
  AND (@business_units::text[] IS NULL OR h.business_unit = ANY (@business_units))
  AND (@regions::text[] IS NULL OR r.code = ANY (@regions))
GROUP BY h.asset_id, h.serial, h.accelerator, r.code, h.business_unit, h.purchase_cost_usd, h.lifetime_years, h.embodied_kg,
         h.embodied_low_kg, h.embodied_high_kg, h.embodied_boundary, h.embodied_source
ORDER BY h.serial
