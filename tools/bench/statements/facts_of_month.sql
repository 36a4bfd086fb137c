-- The requests from a time to a time, one fact a call of one to four requests.
-- Each fact's 64-bit hash of its ordinal says which slot it falls into (bits 0 to
-- 15) and how much it takes (bits 16 to 62). Ids rise with time, as those of a
-- source that numbers its events in time do.
INSERT INTO wattscore.inference_energy_fact (event_id, ts, model_id, project_id, region_id, endpoint_id, workload_id, measured,
    requests, input_tokens, output_tokens, it_energy_nwh, cost_nusd, carbon_location_ug, carbon_market_ug, latency_us,
    gpu_microhours, gpu_memory_microhours, source)
SELECT (lpad(to_hex(floor(1000 * epoch)::bigint), 12, '0') || '70008' || lpad(to_hex(ordinal), 15, '0'))::uuid,
       to_timestamp(epoch), model_id, project_id, region_id, endpoint_id, workload_id, measured,
       requests, requests * (input_tokens * (0.5 + share_of_tokens))::bigint, requests * (output_tokens * (0.5 + share_of_tokens))::bigint, nwh,
       -- A rented GPU costs some 3 USD for the time in which it takes a kWh.
       CASE WHEN billed THEN (nwh * 0.003)::bigint END,
       CASE WHEN carbon_measured THEN (nwh * 0.0003)::bigint END,
       CASE WHEN carbon_measured THEN (nwh * 0.0002)::bigint END,
       (slo_us * (0.2 + 0.9 * power(share_of_latency, 4) * (0.5 + demand)))::bigint,
       (nwh * 2e-6)::bigint, (nwh * 160e-6)::bigint, 'bench'
FROM (
    SELECT d.*, s.*, 1 + (hash >> 60 & 3) AS requests, (hash >> 32 & 65535) / 65536.0::double precision AS share_of_latency,
           (hash >> 44 & 65535) / 65536.0::double precision AS share_of_tokens,
           ((1 + (hash >> 60 & 3)) * s.nwh_per_request * d.drift * (0.7 + 0.6 * ((hash >> 16 & 65535) / 65536.0::double precision)))::bigint AS nwh
    FROM (
        SELECT h.demand, h.drift, ordinal, hashint8extended(ordinal, 20) AS hash,
               extract(epoch FROM h.starts_at)::double precision
               + h.seconds * (ordinal - h.first_fact + 0.5::double precision) / (h.end_fact - h.first_fact) AS epoch
        FROM bench.hour h, generate_series(h.first_fact, h.end_fact - 1) AS ordinal
        WHERE h.starts_at >= @from_time AND h.starts_at < @to_time
    ) AS d
    JOIN bench.slot s ON s.slot = (d.hash & 65535)
    OFFSET 0 -- computed once, not in each column that needs it
) AS request
