-- Which staged figures are of an account, version and time of which figures are in force,
-- by their places, ascending.
SELECT coalesce(array_agg(s.place ORDER BY s.place), '{}') FROM staged_provider_figure s
WHERE EXISTS (SELECT FROM wattscore.provider_figure f
              WHERE f.superseded_by IS NULL AND f.source = @source AND f.model_version = s.model_version AND f.account = s.account
                AND s.statement_from < f.statement_to AND s.statement_to > f.statement_from)
