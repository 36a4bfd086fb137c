-- Stores training runs; grain: one row a run. What is not given stays as it is.
-- Returns the place of each run that is new or changed.
WITH given AS (
    SELECT g.*, m.model_id, p.project_id
    FROM unnest(@run_id::text[], @model::text[], @project::text[], @feature::text[], @started_at::timestamptz[],
        @ended_at::timestamptz[], @gpu_count::int[], @gpu_model::text[], @accuracy::double precision[],
        @accuracy_metric::text[]) WITH ORDINALITY
        AS g (run_id, model, project, feature, started_at, ended_at, gpu_count, gpu_model, accuracy, accuracy_metric, place)
    LEFT JOIN wattscore.model m ON m.name = g.model
    LEFT JOIN wattscore.project p ON p.name = g.project
), stored AS (
    INSERT INTO wattscore.training_run AS r (run_id, model_id, project_id, feature, started_at, ended_at, gpu_count, gpu_model,
        accuracy, accuracy_metric)
    SELECT run_id, model_id, project_id, feature, started_at, ended_at, gpu_count, gpu_model, accuracy, accuracy_metric
    FROM given ORDER BY run_id
    ON CONFLICT (run_id) DO UPDATE SET
        model_id = coalesce(excluded.model_id, r.model_id), project_id = coalesce(excluded.project_id, r.project_id),
        feature = coalesce(excluded.feature, r.feature), started_at = excluded.started_at,
        ended_at = coalesce(excluded.ended_at, r.ended_at), gpu_count = coalesce(excluded.gpu_count, r.gpu_count),
        gpu_model = coalesce(excluded.gpu_model, r.gpu_model), accuracy = coalesce(excluded.accuracy, r.accuracy),
        accuracy_metric = coalesce(excluded.accuracy_metric, r.accuracy_metric)
    WHERE (r.model_id, r.project_id, r.feature, r.started_at, r.ended_at, r.gpu_count, r.gpu_model, r.accuracy, r.accuracy_metric)
        IS DISTINCT FROM (coalesce(excluded.model_id, r.model_id), coalesce(excluded.project_id, r.project_id),
            coalesce(excluded.feature, r.feature), excluded.started_at, coalesce(excluded.ended_at, r.ended_at),
            coalesce(excluded.gpu_count, r.gpu_count), coalesce(excluded.gpu_model, r.gpu_model),
            coalesce(excluded.accuracy, r.accuracy), coalesce(excluded.accuracy_metric, r.accuracy_metric))
    RETURNING run_id
)
SELECT g.place::int FROM given g JOIN stored USING (run_id)
