-- What the business side knows, and the machines. Budgets follow the number of
-- facts, so that they are met here and missed there.

INSERT INTO wattscore.business_metric (month, metric, business_unit, value, source)
SELECT month, metric, coalesce(u.name, ''), base * CASE WHEN u.name IS NULL THEN current_setting('bench.units')::int ELSE 1 END
       * (1 + 0.01 * extract(epoch FROM month - current_setting('bench.from_time')::timestamptz)::numeric / 2592000), 'bench'
FROM (VALUES ('revenue', 4e6), ('arr', 5e7), ('transactions', 9e6), ('active_users', 3e5)) AS m (metric, base),
     generate_series(date_trunc('month', current_setting('bench.from_time')::timestamptz, 'UTC') - interval '1 month',
                     current_setting('bench.to_time')::timestamptz, '1 month') AS month,
     (SELECT name FROM bench.unit UNION ALL SELECT NULL) AS u;

INSERT INTO wattscore.cost_budget (day, business_unit, usd, source)
SELECT day, coalesce(u.name, ''), round((current_setting('bench.facts')::numeric / 365 * 0.00006 + 200)
       * CASE WHEN u.name IS NULL THEN 1 ELSE 1.0 / current_setting('bench.units')::int END, 2), 'bench'
FROM generate_series(current_setting('bench.from_time')::date, current_setting('bench.to_time')::date + 60, '1 day') AS day,
     (SELECT name FROM bench.unit UNION ALL SELECT NULL) AS u;

INSERT INTO wattscore.carbon_budget (week, business_unit, kg, source)
SELECT week, coalesce(u.name, ''), round((current_setting('bench.facts')::numeric / 52 * 0.00008 + 2000)
       * CASE WHEN u.name IS NULL THEN 1 ELSE 1.0 / current_setting('bench.units')::int END, 2), 'bench'
FROM generate_series(date_trunc('week', current_setting('bench.from_time')::timestamptz), current_setting('bench.to_time')::timestamptz + interval '60 days', '1 week') AS week,
     (SELECT name FROM bench.unit UNION ALL SELECT NULL) AS u;

INSERT INTO wattscore.hardware_asset (serial, accelerator, region_id, business_unit, purchase_cost_usd, lifetime_years)
SELECT format('GPU-%s', to_char(i, 'FM00000')), (ARRAY['NVIDIA H100 SXM', 'NVIDIA A100 SXM 40GB', 'NVIDIA L4'])[1 + i % 3], g.region_id, u.name,
       (ARRAY[28000, 11000, 2600])[1 + i % 3], 4
FROM generate_series(1, current_setting('bench.assets')::int) AS i
JOIN bench.region g ON g.ordinal = i % current_setting('bench.regions')::int
JOIN bench.unit u ON u.ordinal = i % current_setting('bench.units')::int;

INSERT INTO wattscore.hardware_event (asset_id, ts, stage, source)
SELECT a.asset_id, e.ts, e.stage, 'bench'
FROM (SELECT asset_id, current_setting('bench.from_time')::timestamptz - make_interval(days => floor(900 * bench.draw('bought', asset_id))::int) AS bought
      FROM wattscore.hardware_asset) AS a
CROSS JOIN LATERAL (VALUES ('procured', a.bought), ('deployed', a.bought + interval '20 days'),
    ('decommissioned', CASE WHEN bench.draw('retired', a.asset_id) < 0.25 THEN a.bought + interval '900 days' END),
    ((ARRAY['reused', 'recycled', 'e_waste'])[1 + floor(3 * bench.draw('afterlife', a.asset_id))::int],
     CASE WHEN bench.draw('retired', a.asset_id) < 0.2 THEN a.bought + interval '930 days' END)) AS e (stage, ts)
WHERE e.ts < current_setting('bench.to_time')::timestamptz;
