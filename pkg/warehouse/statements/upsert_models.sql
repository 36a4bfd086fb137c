-- Stores models; grain: one row a model. What is not given stays as it is.
-- Returns the place of each model that is new or changed.
WITH given AS (
    SELECT * FROM unnest(@name::text[], @provider::text[], @family::text[], @task_class::text[],
        @parameters_billion::double precision[], @accuracy::double precision[], @accuracy_metric::text[],
        @business_criticality::int[], @stage::text[], @latency_slo_ms::double precision[],
        @released_on::date[]) WITH ORDINALITY
        AS g (name, provider, family, task_class, parameters_billion, accuracy, accuracy_metric,
              business_criticality, stage, latency_slo_ms, released_on, place)
), wanted AS (
    SELECT g.name, coalesce(g.provider, m.provider) AS provider, coalesce(g.family, m.family) AS family,
           coalesce(g.task_class, m.task_class) AS task_class,
           coalesce(g.parameters_billion, m.parameters_billion) AS parameters_billion,
           coalesce(g.accuracy, m.accuracy) AS accuracy, coalesce(g.accuracy_metric, m.accuracy_metric) AS accuracy_metric,
           coalesce(g.business_criticality, m.business_criticality)::smallint AS business_criticality,
           coalesce(g.stage, m.stage, 'production') AS stage, coalesce(g.latency_slo_ms, m.latency_slo_ms) AS latency_slo_ms,
           coalesce(g.released_on, m.released_on) AS released_on
    FROM given g LEFT JOIN wattscore.model m USING (name)
), stored AS (
    -- In the order of their names, so that two writers cannot deadlock.
    INSERT INTO wattscore.model AS m (name, provider, family, task_class, parameters_billion, accuracy, accuracy_metric,
        business_criticality, stage, latency_slo_ms, released_on)
    SELECT * FROM wanted ORDER BY name
    ON CONFLICT (name) DO UPDATE SET
        provider = excluded.provider, family = excluded.family, task_class = excluded.task_class,
        parameters_billion = excluded.parameters_billion, accuracy = excluded.accuracy, accuracy_metric = excluded.accuracy_metric,
        business_criticality = excluded.business_criticality, stage = excluded.stage, latency_slo_ms = excluded.latency_slo_ms,
        released_on = excluded.released_on
    WHERE (m.provider, m.family, m.task_class, m.parameters_billion, m.accuracy, m.accuracy_metric, m.business_criticality,
           m.stage, m.latency_slo_ms, m.released_on)
        IS DISTINCT FROM (excluded.provider, excluded.family, excluded.task_class, excluded.parameters_billion, excluded.accuracy,
           excluded.accuracy_metric, excluded.business_criticality, excluded.stage, excluded.latency_slo_ms, excluded.released_on)
    RETURNING name
)
SELECT g.place::int FROM given g JOIN stored USING (name)
