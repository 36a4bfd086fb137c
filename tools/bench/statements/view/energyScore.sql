-- As analyst/energyScore.sql, from the daily view.
SELECT m.name AS model, sum(d.requests) FILTER (WHERE day >= @from_day::date)::bigint AS requests, sum(energy_kwh) FILTER (WHERE day >= @from_day::date) AS energy_kwh,
       sum(energy_kwh) FILTER (WHERE day >= @from_day::date AND serves_requests) * 1e3::double precision / nullif(sum(requests) FILTER (WHERE day >= @from_day::date AND serves_requests), 0)::double precision AS kwh_per_1k_requests,
       sum(energy_kwh) FILTER (WHERE day >= @from_day::date AND serves_requests) * 1e6::double precision / nullif(sum(output_tokens) FILTER (WHERE day >= @from_day::date AND serves_requests), 0)::double precision AS kwh_per_1m_tokens,
       sum(cost_usd) FILTER (WHERE day >= @from_day::date) AS cost_usd,
       sum(energy_cost_usd) FILTER (WHERE day >= @from_day::date AND serves_requests) / nullif(sum(requests) FILTER (WHERE day >= @from_day::date AND serves_requests), 0)::double precision AS cost_per_transaction_usd,
       sum(carbon_location_kg) FILTER (WHERE day >= @from_day::date) AS carbon_kg,
       100 / (1 + sum(energy_kwh) FILTER (WHERE day >= @from_day::date AND serves_requests) * 1e6::double precision
                  / nullif(sum(requests * i.wh_per_1k_requests) FILTER (WHERE day >= @from_day::date AND serves_requests), 0)::double precision) AS score,
       100 / (1 + sum(energy_kwh) FILTER (WHERE day < @from_day::date AND serves_requests) * 1e6::double precision
                  / nullif(sum(requests * i.wh_per_1k_requests) FILTER (WHERE day < @from_day::date AND serves_requests), 0)::double precision) AS previous_score
FROM bench.daily d
JOIN wattscore.model m USING (model_id)
LEFT JOIN wattscore.reference_intensity i USING (task_class)
WHERE d.day >= @previous_day::date AND d.day < @to_day::date
GROUP BY m.name
HAVING bool_or(day >= @from_day::date)
ORDER BY energy_kwh DESC
