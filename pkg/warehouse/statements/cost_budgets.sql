-- Cost budgets of the days in a span; grain: day x business unit, '' for the
-- whole company.
SELECT day, business_unit, usd::double precision
FROM wattscore.cost_budget
WHERE day >= @first_day::date AND day < @end_day::date
ORDER BY day, business_unit
