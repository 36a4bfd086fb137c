-- What the staged figures report on; grain: version x account x statement.
CREATE TEMP TABLE staged_provider_period ON COMMIT DROP AS
    SELECT DISTINCT model_version, account, statement_from, statement_to FROM staged_provider_figure
