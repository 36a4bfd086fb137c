-- Creates the models, projects and endpoints of the staged facts that are new.
-- In the order of their names, so that two writers cannot deadlock.
WITH new_model AS (
    INSERT INTO wattscore.model (name)
    SELECT DISTINCT model FROM staged_fact s
    WHERE NOT EXISTS (SELECT FROM wattscore.model m WHERE m.name = s.model)
    ORDER BY 1 ON CONFLICT DO NOTHING
), new_project AS (
    INSERT INTO wattscore.project (name)
    SELECT DISTINCT project FROM staged_fact s
    WHERE NOT EXISTS (SELECT FROM wattscore.project p WHERE p.name = s.project)
    ORDER BY 1 ON CONFLICT DO NOTHING
)
INSERT INTO wattscore.endpoint (name)
SELECT DISTINCT endpoint FROM staged_fact s
WHERE NOT EXISTS (SELECT FROM wattscore.endpoint e WHERE e.name = s.endpoint)
ORDER BY 1 ON CONFLICT DO NOTHING
