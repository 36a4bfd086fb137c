-- What the business reported of the months that begin in a span; grain: month x
-- metric x business unit, '' for the whole company.
SELECT month, metric, business_unit, value::double precision
FROM wattscore.business_metric
WHERE month >= @first_day::date AND month < @end_day::date
ORDER BY month, metric, business_unit
