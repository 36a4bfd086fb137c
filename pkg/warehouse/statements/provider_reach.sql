-- Which regions and accounts a provider has ever reported on; grain: source x cloud x
-- month x version.
SELECT f.source, f.cloud, f.month, f.model_version, array_agg(DISTINCT f.region), array_agg(DISTINCT f.account)
FROM wattscore.provider_figure f LEFT JOIN wattscore.project p ON p.name = f.project AND f.project <> ''
WHERE f.superseded_by IS NULL
  AND (@sources::text[] IS NULL OR f.source = ANY (@sources)) AND (@services::text[] IS NULL OR f.service = ANY (@services))
  AND (@regions::text[] IS NULL OR f.region = ANY (@regions)) AND (@projects::text[] IS NULL OR f.project = ANY (@projects))
  AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
  AND (@business_units::text[] IS NULL OR coalesce(p.business_unit, f.business_unit) = ANY (@business_units))
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
