-- Creates the models, projects and endpoints that are new, in the order of their
-- names, so that two writers cannot deadlock.
WITH new_model AS (
    INSERT INTO wattscore.model (name)
    SELECT asked.name FROM unnest(@models::text[]) AS asked (name)
    WHERE NOT EXISTS (SELECT FROM wattscore.model m WHERE m.name = asked.name)
    ORDER BY asked.name ON CONFLICT DO NOTHING
), new_project AS (
    INSERT INTO wattscore.project (name)
    SELECT asked.name FROM unnest(@projects::text[]) AS asked (name)
    WHERE NOT EXISTS (SELECT FROM wattscore.project p WHERE p.name = asked.name)
    ORDER BY asked.name ON CONFLICT DO NOTHING
)
INSERT INTO wattscore.endpoint (name)
SELECT asked.name FROM unnest(@endpoints::text[]) AS asked (name)
WHERE NOT EXISTS (SELECT FROM wattscore.endpoint e WHERE e.name = asked.name)
ORDER BY asked.name ON CONFLICT DO NOTHING
