-- The published embodied carbon of accelerators; grain: one row an accelerator.
SELECT accelerator, embodied_kg::double precision, embodied_low_kg::double precision, embodied_high_kg::double precision,
       embodied_boundary, embodied_source
FROM wattscore.accelerator
ORDER BY accelerator
