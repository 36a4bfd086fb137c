-- What providers say of the months in a span; grain: month x source x cloud x version x
-- region x quantity x scope x charge x idle, and project, unit and service where asked.
-- Values are in kg CO2e, kWh and USD. Superseded figures are not read.
SELECT f.month, f.source, f.cloud, f.model_version, f.region,
       CASE WHEN @by_project THEN f.project ELSE '' END, CASE WHEN @by_unit THEN coalesce(p.business_unit, f.business_unit) ELSE '' END,
       CASE WHEN @by_service THEN f.service ELSE '' END, f.quantity, f.scope, f.charge, f.idle,
       (sum(f.value) * CASE f.quantity WHEN 'energy' THEN 1e-12 ELSE 1e-9 END)::double precision
FROM wattscore.provider_figure f LEFT JOIN wattscore.project p ON p.name = f.project AND f.project <> ''
WHERE f.superseded_by IS NULL AND f.month >= @first_day::date AND f.month < @end_day::date
  AND (@sources::text[] IS NULL OR f.source = ANY (@sources)) AND (@services::text[] IS NULL OR f.service = ANY (@services))
  AND (@regions::text[] IS NULL OR f.region = ANY (@regions)) AND (@projects::text[] IS NULL OR f.project = ANY (@projects))
  AND (@teams::text[] IS NULL OR p.team = ANY (@teams))
  AND (@business_units::text[] IS NULL OR coalesce(p.business_unit, f.business_unit) = ANY (@business_units))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
