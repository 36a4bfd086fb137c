-- The members of one dimension, for a drop-down; grain: one row a member.
SELECT DISTINCT member
FROM (
    SELECT unnest(CASE @dimension
               WHEN 'businessUnit' THEN ARRAY[business_unit] WHEN 'team' THEN ARRAY[team]
               WHEN 'productLine' THEN ARRAY[product_line] WHEN 'costCentre' THEN ARRAY[cost_centre]
               WHEN 'owner' THEN ARRAY[owner] WHEN 'project' THEN ARRAY[name] END) AS member
    FROM wattscore.project
    WHERE (@business_units::text[] IS NULL OR coalesce(business_unit, '__none__') = ANY (@business_units))
      AND (@teams::text[] IS NULL OR coalesce(team, '__none__') = ANY (@teams))
      AND (@projects::text[] IS NULL OR name = ANY (@projects))
    UNION ALL
    SELECT unnest(CASE @dimension
               WHEN 'model' THEN ARRAY[name] WHEN 'provider' THEN ARRAY[provider] WHEN 'family' THEN ARRAY[family]
               WHEN 'taskClass' THEN ARRAY[task_class] WHEN 'stage' THEN ARRAY[stage] END)
    FROM wattscore.model
    UNION ALL
    -- Regions and workloads are reference lists; only those in use are offered.
    SELECT code FROM wattscore.region r
    WHERE @dimension = 'region' AND (EXISTS (SELECT FROM wattscore.rollup_day d WHERE d.region_id = r.region_id)
        OR EXISTS (SELECT FROM wattscore.inference_energy_fact f
                   WHERE f.region_id = r.region_id AND f.ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state) AND f.ingest_xid <= (SELECT 9223372036854775807)))
    UNION ALL
    SELECT name FROM wattscore.endpoint WHERE @dimension = 'endpoint'
    UNION ALL
    SELECT code FROM wattscore.workload WHERE @dimension = 'workload'
) AS listed
WHERE member IS NOT NULL
ORDER BY member
