-- Latency against its objectives beside the energy cost. Grain: a day.
SELECT date_trunc('day', f.ts, 'Europe/Berlin') AS day,
       sum(f.requests) FILTER (WHERE f.latency_us > m.latency_slo_ms * 1000)::double precision
       / nullif(sum(f.requests) FILTER (WHERE f.latency_us IS NOT NULL), 0)::double precision AS slo_breach_rate,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY f.latency_us) / 1e3::double precision AS p50_ms,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY f.latency_us) / 1e3::double precision AS p95_ms,
       (sum(f.it_energy_nwh * x.pue * x.electricity_price) / 1e9 / sum(f.requests))::double precision AS cost_per_1k_requests_usd
FROM wattscore.inference_energy_fact f
JOIN wattscore.model m USING (model_id)
JOIN wattscore.workload w USING (workload_id)
JOIN wattscore.factor_version v ON v.in_force
JOIN wattscore.factor_period x ON x.version_id = v.version_id AND x.region_id = f.region_id AND f.ts >= x.valid_from AND f.ts < x.valid_to
WHERE f.ts >= @from_time AND f.ts < @to_time AND w.serves_requests
GROUP BY 1
ORDER BY 1
