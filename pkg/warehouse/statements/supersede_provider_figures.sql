-- Marks the figures that an import restates: those of the same account, version and
-- time which it does not repeat to the last digit.
UPDATE wattscore.provider_figure f SET superseded_by = @import_id
WHERE f.superseded_by IS NULL AND f.source = @source
  AND EXISTS (SELECT FROM staged_provider_period p WHERE p.model_version = f.model_version AND p.account = f.account
              AND p.statement_from < f.statement_to AND p.statement_to > f.statement_from)
  AND NOT EXISTS (SELECT FROM staged_provider_figure s WHERE (f.month, f.model_version, f.cloud, f.statement_from, f.statement_to, f.account, f.service,
                                                              f.region, f.project, f.business_unit, f.quantity, f.scope, f.charge, f.idle, f.value)
      = (s.month, s.model_version, s.cloud, s.statement_from, s.statement_to, s.account, s.service,
         s.region, s.project, s.business_unit, s.quantity, s.scope, s.charge, s.idle, s.value))
