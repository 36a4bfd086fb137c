-- As analyst/budgetVariance.sql, from the daily view.
SELECT u.week, b.kg::double precision AS budget, u.actual, u.actual - b.kg::double precision AS variance
FROM (
    SELECT date_trunc('week', d.day::timestamp)::date AS week, sum(d.carbon_location_kg) AS actual
    FROM bench.daily d
    WHERE d.day >= date_trunc('week', @from_day::date::timestamp)::date
      AND d.day < date_trunc('week', (@to_day::date - 1)::timestamp)::date + 7
    GROUP BY 1
) AS u
LEFT JOIN wattscore.carbon_budget b ON b.week = u.week AND b.business_unit = ''
ORDER BY u.week
