-- The figures of the business by month, to be taken out; grain: one row a month, metric
-- and business unit, which is empty for the whole company.
SELECT month, metric, value::double precision, nullif(business_unit, ''), source
FROM wattscore.business_metric
ORDER BY month, metric, business_unit
