-- Which staged figures are new or changed, by their places, and how many figures that
-- are there the import no longer has. An import tells the whole of what it reports on:
-- a figure of the same account, version and time that it does not repeat is restated.
WITH current AS (
    SELECT f.* FROM wattscore.provider_figure f
    WHERE f.superseded_by IS NULL AND f.source = @source
      AND EXISTS (SELECT FROM staged_provider_period p WHERE p.model_version = f.model_version AND p.account = f.account
                  AND p.statement_from < f.statement_to AND p.statement_to > f.statement_from)
)
SELECT coalesce((SELECT array_agg(s.place ORDER BY s.place) FROM staged_provider_figure s
                 WHERE NOT EXISTS (SELECT FROM current c WHERE (c.month, c.model_version, c.cloud, c.statement_from, c.statement_to, c.account, c.service,
                                                                c.region, c.project, c.business_unit, c.quantity, c.scope, c.charge, c.idle, c.value)
                     = (s.month, s.model_version, s.cloud, s.statement_from, s.statement_to, s.account, s.service,
                        s.region, s.project, s.business_unit, s.quantity, s.scope, s.charge, s.idle, s.value))), '{}'),
       (SELECT count(*) FROM current c
        WHERE NOT EXISTS (SELECT FROM staged_provider_figure s WHERE (c.month, c.model_version, c.cloud, c.statement_from, c.statement_to, c.account, c.service,
                                                                      c.region, c.project, c.business_unit, c.quantity, c.scope, c.charge, c.idle)
            = (s.month, s.model_version, s.cloud, s.statement_from, s.statement_to, s.account, s.service,
               s.region, s.project, s.business_unit, s.quantity, s.scope, s.charge, s.idle)))::int
