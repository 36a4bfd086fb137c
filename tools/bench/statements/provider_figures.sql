-- What the clouds' bills and their carbon reports would say of the facts' months: a
-- figure for each project in each region it runs in, in both.
WITH months AS (
    SELECT month::date AS month, (month + interval '1 month')::date AS next
    FROM generate_series(date_trunc('month', @from_time::timestamptz, 'UTC') AT TIME ZONE 'UTC', @to_time::timestamptz AT TIME ZONE 'UTC', '1 month') AS month
), places AS (
    SELECT DISTINCT r.cloud, r.code AS region, p.name AS project, c.region_id, c.project_id
    FROM bench.combination c JOIN wattscore.region r USING (region_id) JOIN wattscore.project p USING (project_id)
    WHERE r.cloud IN ('gcp', 'aws', 'azure') AND p.name NOT LIKE '\_\_%'
), imports AS (
    INSERT INTO wattscore.provider_import (source, files) VALUES ('focus', 'bills.csv'), ('ccf', 'estimates.csv')
    RETURNING import_id, source
)
INSERT INTO wattscore.provider_figure (source, model_version, cloud, statement_from, statement_to, month, account, service, region, project,
    business_unit, quantity, scope, charge, idle, value, import_id)
SELECT i.source, '', p.cloud, m.month, m.next, m.month, 'account-' || p.cloud, f.service, p.region, p.project, '', f.quantity, 'total', f.charge, false,
       (f.value * (0.5 + bench.draw('figure ' || i.source || m.month, p.region_id * 1000000::bigint + p.project_id)))::bigint, i.import_id
FROM imports i
JOIN (VALUES ('focus', 'cost', 'usage', 'Compute', 4e11), ('ccf', 'carbon_location', '', 'Compute', 2e11))
     AS f (source, quantity, charge, service, value) USING (source)
CROSS JOIN places p CROSS JOIN months m
