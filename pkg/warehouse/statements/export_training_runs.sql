-- The training runs, to be taken out; grain: one row a run.
SELECT t.run_id, m.name, p.name, t.feature, t.started_at, t.ended_at, t.gpu_count::bigint, t.gpu_model, t.accuracy, t.accuracy_metric
FROM wattscore.training_run t
LEFT JOIN wattscore.model m USING (model_id)
LEFT JOIN wattscore.project p USING (project_id)
ORDER BY t.run_id
