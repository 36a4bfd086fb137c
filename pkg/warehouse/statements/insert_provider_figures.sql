-- Stores the staged figures of the places that are new or changed.
INSERT INTO wattscore.provider_figure (source, model_version, cloud, statement_from, statement_to, month, account, service, region, project,
    business_unit, quantity, scope, charge, idle, value, import_id)
SELECT @source, model_version, cloud, statement_from, statement_to, month, account, service, region, project,
       business_unit, quantity, scope, charge, idle, value, @import_id
FROM staged_provider_figure WHERE place = ANY (@places::int[])
