-- The measures of each group in each period, priced with one factor version.
-- Grain: period x the asked dimensions. Reads whole months, days and hours from
-- their roll-ups, and the facts that are not rolled up yet, all in this one
-- statement and so in one snapshot. The roll-ups are those by the fewest keys that
-- the question needs; a key they do not have is NULL. A month is also the whole
-- month less a few days (a piece of sign -1): measures are exact, so what is
-- subtracted is what was added, to the last bit. A day with two midnights begins with
-- the first for people and carries the second as its bucket. In no order: to sort text
-- takes longer here than at the asker. What stands in comments of its own between the
-- stars is filled in for the question; see usage_statement.go.
WITH pricing AS (
    SELECT coalesce(@factor_version::int, (SELECT version_id FROM wattscore.factor_version WHERE in_force)) AS version_id
), tail AS MATERIALIZED (
    SELECT * FROM wattscore.fact_tail(@earliest, @latest)
), factor AS MATERIALIZED (
    -- A kWh of IT energy costs pue x electricity_price, and so on.
    SELECT region_id, valid_from, valid_to, pue,
           pue * electricity_price AS price, pue * grid_location AS location, pue * grid_market AS market
    FROM wattscore.factor_period NATURAL JOIN pricing
    WHERE valid_from < @latest::timestamptz AND valid_to > @earliest::timestamptz
    /* regions */
      -- Of all the regions that have factors a company uses few.
      AND region_id IN (SELECT region_id FROM wattscore.rollup_site_month
                        WHERE bucket >= date_trunc('month', @earliest, (SELECT time_zone FROM wattscore.calendar_setting))
                          AND bucket <= date_trunc('month', @latest, (SELECT time_zone FROM wattscore.calendar_setting))
                        UNION ALL SELECT region_id FROM tail)
    /* end of regions */
),
/* months */ month_piece AS MATERIALIZED (
    SELECT s.*, date_trunc('month', s.at, (SELECT time_zone FROM wattscore.calendar_setting)) AS label,
           -- A month in which a factor changes is read by its days.
           EXISTS (SELECT FROM wattscore.factor_period NATURAL JOIN pricing WHERE valid_from > s.at AND valid_from < s.until) AS by_day
    FROM unnest(@month_at::timestamptz[], @month_until::timestamptz[], @month_period::int[], @month_sign::int[]) AS s (at, until, period, sign)
), /* end of months */
/* scored */ serving AS MATERIALIZED (
    SELECT workload_id FROM wattscore.workload WHERE serves_requests
), suspect AS MATERIALIZED (
    -- A combination that answered no request in a period has nothing to be scored by.
    -- It can only be one with a day or an hour without, or with requests taken out.
    SELECT s.period, /* all keys */
    FROM unnest(@scored_day_at::timestamptz[], @scored_day_period::int[]) AS s (at, period)
    JOIN wattscore.rollup_unrequested_day ON bucket = date_trunc('day', s.at, (SELECT time_zone FROM wattscore.calendar_setting))
    WHERE workload_id = ANY (ARRAY(SELECT workload_id FROM serving)) /* filter */
    UNION
    SELECT s.period, /* all keys */
    FROM unnest(@scored_hour_at::timestamptz[], @scored_hour_period::int[]) AS s (at, period)
    JOIN wattscore.rollup_unrequested_hour ON bucket = s.at
    WHERE workload_id = ANY (ARRAY(SELECT workload_id FROM serving)) /* filter */
    UNION
    SELECT s.ordinal::int - 1, /* all keys */
    FROM tail
    JOIN unnest(@period_from::timestamptz[], @period_to::timestamptz[]) WITH ORDINALITY AS s (from_time, to_time, ordinal)
      ON ts >= s.from_time AND ts < s.to_time
    WHERE requests <= 0 AND workload_id = ANY (ARRAY(SELECT workload_id FROM serving)) /* filter */
), suspect_piece AS MATERIALIZED (
    -- Looked up one by one: there are few of them, or none.
    SELECT c.*, r.bucket, r.requests, r.it_energy_nwh
    FROM suspect c
    JOIN unnest(@scored_day_at::timestamptz[], @scored_day_period::int[]) AS s (at, period) ON s.period = c.period
    CROSS JOIN LATERAL (
        SELECT bucket, requests, it_energy_nwh FROM wattscore.rollup_day r
        WHERE bucket = date_trunc('day', s.at, (SELECT time_zone FROM wattscore.calendar_setting)) AND (r.model_id, r.project_id, r.region_id, r.endpoint_id, r.workload_id)
                                = (c.model_id, c.project_id, c.region_id, c.endpoint_id, c.workload_id)
        OFFSET 0) AS r
    UNION ALL
    SELECT c.*, r.bucket, r.requests, r.it_energy_nwh
    FROM suspect c
    JOIN unnest(@scored_hour_at::timestamptz[], @scored_hour_period::int[]) AS s (at, period) ON s.period = c.period
    CROSS JOIN LATERAL (
        SELECT bucket, requests, it_energy_nwh FROM wattscore.rollup_hour r
        WHERE bucket = s.at AND (r.model_id, r.project_id, r.region_id, r.endpoint_id, r.workload_id)
                                = (c.model_id, c.project_id, c.region_id, c.endpoint_id, c.workload_id)
        OFFSET 0) AS r
    UNION ALL
    SELECT c.*, f.bucket, f.requests, f.it_energy_nwh
    FROM suspect c
    JOIN unnest(@period_from::timestamptz[], @period_to::timestamptz[]) WITH ORDINALITY AS s (from_time, to_time, ordinal) ON s.ordinal = c.period + 1
    JOIN tail f
      ON f.ts >= s.from_time AND f.ts < s.to_time AND (f.model_id, f.project_id, f.region_id, f.endpoint_id, f.workload_id)
                                                      = (c.model_id, c.project_id, c.region_id, c.endpoint_id, c.workload_id)
), unrequested_piece AS (
    SELECT *
    FROM suspect_piece
    WHERE (period, model_id, project_id, region_id, endpoint_id, workload_id)
          IN (SELECT period, /* all keys */ FROM suspect_piece GROUP BY period, /* all keys */ HAVING sum(requests) = 0)
), /* end of scored */
/* months */ months AS (
    SELECT s.period, bucket, /* keys */, /* measures */, NULL::bigint AS unrequested_nwh
    FROM month_piece AS s
    JOIN wattscore./* family */_month ON bucket = s.label /* filter */
    WHERE NOT s.by_day
), /* end of months */
bucketed AS (
    /* months */
    SELECT s.period, s.sign, bucket, /* keys */, /* measures */, NULL::bigint AS unrequested_nwh
    FROM month_piece AS s
    JOIN wattscore./* family */_day ON bucket >= s.at AND bucket < s.until /* filter */
    WHERE s.by_day
    UNION ALL
    /* end of months */
    SELECT s.period, s.sign, bucket, /* keys */, /* measures */, NULL::bigint AS unrequested_nwh
    FROM unnest(@day_at::timestamptz[], @day_period::int[], @day_sign::int[]) AS s (at, period, sign)
    JOIN wattscore./* family */_day ON bucket = date_trunc('day', s.at, (SELECT time_zone FROM wattscore.calendar_setting)) /* filter */
    UNION ALL
    SELECT s.period, s.sign, bucket, /* keys */, /* measures */, NULL::bigint AS unrequested_nwh
    FROM unnest(@hour_at::timestamptz[], @hour_period::int[], @hour_sign::int[]) AS s (at, period, sign)
    JOIN wattscore./* family */_hour ON bucket = s.at /* filter */
    UNION ALL
    SELECT s.ordinal::int - 1, 1, bucket, /* keys */, /* measures */, NULL::bigint AS unrequested_nwh
    FROM tail
    JOIN unnest(@period_from::timestamptz[], @period_to::timestamptz[]) WITH ORDINALITY AS s (from_time, to_time, ordinal)
      ON ts >= s.from_time AND ts < s.to_time
    WHERE true /* filter */
    /* scored */
    UNION ALL
    SELECT s.period, 1, bucket, /* all keys */, /* no measures */, it_energy_nwh FROM unrequested_piece AS s
    /* end of scored */
),
/* combined */ combined AS (
    -- The pieces of one combination of the keys that matter, with the same factors: where
    -- there are many, they are added up before they are priced.
    SELECT b.period, /* group keys */, x.valid_from AS factors_from,
           sum(b.sign * b.events) AS events, sum(b.sign * b.requests) AS requests, sum(b.sign * b.input_tokens) AS input_tokens,
           sum(b.sign * b.output_tokens) AS output_tokens, sum(b.sign * b.it_energy_nwh) AS it_energy_nwh,
           sum(b.sign * b.measured_energy_nwh) AS measured_energy_nwh,
           sum(b.unrequested_nwh) FILTER (WHERE b.unrequested_nwh IS NOT NULL) AS unrequested_nwh,
           sum(b.sign * b.cost_nusd) AS cost_nusd, sum(b.sign * b.cost_open_nwh) AS cost_open_nwh,
           sum(b.sign * b.carbon_location_ug) AS carbon_location_ug, sum(b.sign * b.carbon_location_open_nwh) AS carbon_location_open_nwh,
           sum(b.sign * b.carbon_market_ug) AS carbon_market_ug, sum(b.sign * b.carbon_market_open_nwh) AS carbon_market_open_nwh,
           sum(b.sign * b.gpu_microhours) AS gpu_microhours, sum(b.sign * b.gpu_memory_microhours) AS gpu_memory_microhours,
           sum(b.sign * b.latency_us) AS latency_us, sum(b.sign * b.latency_requests) AS latency_requests
    FROM bucketed b
    LEFT JOIN factor x ON x.region_id = b.region_id AND b.bucket >= x.valid_from AND b.bucket < x.valid_to
    GROUP BY b.period, /* group keys */, x.valid_from
), /* end of combined */
summed AS (
    /* months */
    -- Months are numeric and are added up apart, for all else would become so.
    /* sums without sign */
    FROM months b
    /* priced */
    LEFT JOIN factor x ON x.region_id = b.region_id AND b.bucket >= x.valid_from AND b.bucket < x.valid_to
    /* end of priced */
    JOIN wattscore.workload w ON w.workload_id = b.workload_id
    GROUP BY b.period, /* sum keys */w.serves_requests
    UNION ALL
    /* end of months */
    /* apart */
    /* sums */
    FROM bucketed b
    /* priced */
    LEFT JOIN factor x ON x.region_id = b.region_id AND b.bucket >= x.valid_from AND b.bucket < x.valid_to
    /* end of priced */
    JOIN wattscore.workload w ON w.workload_id = b.workload_id
    GROUP BY b.period, /* sum keys */w.serves_requests
    /* end of apart */
    /* combined */
    /* sums without sign */
    FROM combined b
    LEFT JOIN factor x ON x.region_id = b.region_id AND x.valid_from = b.factors_from
    JOIN wattscore.workload w ON w.workload_id = b.workload_id
    GROUP BY b.period, /* sum keys */w.serves_requests
    /* end of combined */
), reference AS (
    SELECT DISTINCT ON (task_class) task_class, wh_per_1k_requests
    FROM wattscore.reference_intensity
    WHERE valid_from <= ((@latest::timestamptz - interval '1 microsecond') AT TIME ZONE (SELECT time_zone FROM wattscore.calendar_setting))::date
    ORDER BY task_class, valid_from DESC
)
SELECT period, /* members */ AS members,
       sum(events)::bigint, sum(requests)::bigint, coalesce(sum(input_tokens), 0)::bigint, coalesce(sum(output_tokens), 0)::bigint,
       -- What a double holds exactly need not go through its decimal digits.
       CASE WHEN abs(sum(it_energy_nwh)) < 9007199254740992 THEN sum(it_energy_nwh)::bigint / 1e12::double precision
            ELSE (sum(it_energy_nwh) * 1e-12)::double precision END,
       CASE WHEN abs(sum(measured_energy_nwh)) < 9007199254740992 THEN sum(measured_energy_nwh)::bigint / 1e12::double precision
            ELSE (sum(measured_energy_nwh) * 1e-12)::double precision END,
       -- A sum with a part that no factor covers is NULL, not too small.
       CASE WHEN coalesce(sum(facility_open), 0) = 0 THEN (coalesce(sum(facility), 0) * 1e-12)::double precision END,
       CASE WHEN coalesce(sum(energy_cost_open), 0) = 0 THEN (coalesce(/* energy cost */sum(energy_cost), 0) * 1e-12)::double precision END,
       CASE WHEN coalesce(sum(cost_open), 0) = 0 THEN (sum(cost_nusd) * 1e-9 + coalesce(sum(cost_derived), 0) * 1e-12)::double precision END,
       CASE WHEN coalesce(sum(location_open), 0) = 0 THEN (sum(carbon_location_ug) * 1e-9 + coalesce(sum(location_derived), 0) * 1e-15)::double precision END,
       CASE WHEN coalesce(sum(market_open), 0) = 0 THEN (sum(carbon_market_ug) * 1e-9 + coalesce(sum(market_derived), 0) * 1e-15)::double precision END,
       (coalesce(sum(gpu_microhours), 0) * 1e-6)::double precision,
       (coalesce(sum(gpu_memory_microhours), 0) * 1e-6)::double precision,
       coalesce(sum(requests) FILTER (WHERE f.serves_requests), 0)::bigint,
       coalesce(sum(input_tokens) FILTER (WHERE f.serves_requests), 0)::bigint,
       coalesce(sum(output_tokens) FILTER (WHERE f.serves_requests), 0)::bigint,
       CASE WHEN abs(sum(it_energy_nwh) FILTER (WHERE f.serves_requests)) < 9007199254740992
            THEN (sum(it_energy_nwh) FILTER (WHERE f.serves_requests))::bigint / 1e12::double precision
            ELSE (coalesce(sum(it_energy_nwh) FILTER (WHERE f.serves_requests), 0) * 1e-12)::double precision END,
       CASE WHEN coalesce(sum(energy_cost_open) FILTER (WHERE f.serves_requests), 0) = 0
            THEN (coalesce(sum(energy_cost) FILTER (WHERE f.serves_requests), 0) * 1e-12)::double precision END,
       CASE WHEN coalesce(sum(cost_open) FILTER (WHERE f.serves_requests), 0) = 0
            THEN (coalesce(sum(cost_nusd) FILTER (WHERE f.serves_requests), 0) * 1e-9
                  + coalesce(sum(cost_derived) FILTER (WHERE f.serves_requests), 0) * 1e-12)::double precision END,
       ((coalesce(sum(it_energy_nwh) FILTER (WHERE f.serves_requests AND wh_per_1k_requests IS NOT NULL), 0)
         - coalesce(sum(unrequested_nwh) FILTER (WHERE f.serves_requests AND wh_per_1k_requests IS NOT NULL), 0)) * 1e-12)::double precision,
       -- Wh per 1,000 requests: requests / 1e3 * Wh / 1e3 = kWh.
       (coalesce(sum(requests * wh_per_1k_requests) FILTER (WHERE f.serves_requests), 0) * 1e-6)::double precision,
       (coalesce(sum(latency_us), 0) * 1e-3)::double precision, coalesce(sum(latency_requests), 0)::bigint
FROM summed f
/* joins */
LEFT JOIN reference i ON i.task_class = /* task class */
GROUP BY period, members
-- What was all subtracted or taken out again is no usage.
HAVING sum(events) <> 0 OR sum(it_energy_nwh) <> 0 OR sum(requests) <> 0 OR sum(cost_nusd) <> 0
    OR sum(carbon_location_ug) <> 0 OR sum(carbon_market_ug) <> 0 OR sum(gpu_microhours) <> 0 OR sum(gpu_memory_microhours) <> 0
