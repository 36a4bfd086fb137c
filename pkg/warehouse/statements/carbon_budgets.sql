-- Carbon budgets of the weeks that begin in a span; grain: week x business unit,
-- '' for the whole company.
SELECT week, business_unit, kg::double precision
FROM wattscore.carbon_budget
WHERE week >= @first_day::date AND week < @end_day::date
ORDER BY week, business_unit
