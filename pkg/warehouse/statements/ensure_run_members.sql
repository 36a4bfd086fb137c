-- Creates the models and projects of training runs that are new. In the order of
-- their names, so that two writers cannot deadlock.
WITH new_model AS (
    INSERT INTO wattscore.model (name)
    SELECT DISTINCT name FROM unnest(@model::text[]) AS g (name)
    WHERE name IS NOT NULL AND NOT EXISTS (SELECT FROM wattscore.model m WHERE m.name = g.name)
    ORDER BY 1 ON CONFLICT DO NOTHING
)
INSERT INTO wattscore.project (name)
SELECT DISTINCT name FROM unnest(@project::text[]) AS g (name)
WHERE name IS NOT NULL AND NOT EXISTS (SELECT FROM wattscore.project p WHERE p.name = g.name)
ORDER BY 1 ON CONFLICT DO NOTHING
