-- What usage.sql adds up of its buckets b with their factors x, and of it by whether it
-- serves requests. Energy and carbon that no factor prices is added up beside.
SELECT b.period, /* sum keys */w.serves_requests,
       sum(b.sign * b.events) AS events, sum(b.sign * b.requests) AS requests, sum(b.sign * b.input_tokens) AS input_tokens,
       sum(b.sign * b.output_tokens) AS output_tokens, sum(b.sign * b.it_energy_nwh) AS it_energy_nwh,
       sum(b.sign * b.measured_energy_nwh) AS measured_energy_nwh,
       sum(b.unrequested_nwh) FILTER (WHERE b.unrequested_nwh IS NOT NULL) AS unrequested_nwh,
       sum(b.sign * b.it_energy_nwh * x.pue) AS facility, sum(b.sign * b.it_energy_nwh) FILTER (WHERE x.pue IS NULL) AS facility_open,
       sum(b.sign * b.it_energy_nwh * x.price) AS energy_cost, sum(b.sign * b.it_energy_nwh) FILTER (WHERE x.price IS NULL) AS energy_cost_open,
       sum(b.sign * b.cost_nusd) AS cost_nusd, sum(b.sign * b.cost_open_nwh * x.price) AS cost_derived,
       sum(b.sign * b.cost_open_nwh) FILTER (WHERE x.price IS NULL) AS cost_open,
       sum(b.sign * b.carbon_location_ug) AS carbon_location_ug, sum(b.sign * b.carbon_location_open_nwh * x.location) AS location_derived,
       sum(b.sign * b.carbon_location_open_nwh) FILTER (WHERE x.location IS NULL) AS location_open,
       sum(b.sign * b.carbon_market_ug) AS carbon_market_ug, sum(b.sign * b.carbon_market_open_nwh * x.market) AS market_derived,
       sum(b.sign * b.carbon_market_open_nwh) FILTER (WHERE x.market IS NULL) AS market_open,
       sum(b.sign * b.gpu_microhours) AS gpu_microhours, sum(b.sign * b.gpu_memory_microhours) AS gpu_memory_microhours,
       sum(b.sign * b.latency_us) AS latency_us, sum(b.sign * b.latency_requests) AS latency_requests
