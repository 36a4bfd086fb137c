-- Where the figures of an import wait to be told from those already there; grain: as
-- wattscore.provider_figure, with the figure's place in the import from 1.
CREATE TEMP TABLE staged_provider_figure (
    place int, model_version text, cloud text, statement_from date, statement_to date, month date, account text, service text,
    region text, project text, business_unit text, quantity text, scope text, charge text, idle boolean, value bigint
) ON COMMIT DROP
