-- +goose Up
-- What cloud providers and bills say of the same months: figures that stand beside
-- ours. They are never facts and no total has them.

-- An import that changed something; grain: one row an import.
CREATE TABLE provider_import (
    import_id   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source      text NOT NULL,
    files       text NOT NULL, -- their names, as they were given
    imported_at timestamptz NOT NULL DEFAULT now()
);

-- Grain: one row a source, version of its method, statement, month, account, service,
-- region, project, unit, quantity, scope, kind of charge and import. A figure that a
-- later import restates stays, and says which import took its place.
CREATE TABLE provider_figure (
    source         text NOT NULL CHECK (source IN ('ccf', 'google', 'aws', 'focus')),
    model_version  text NOT NULL, -- of the provider's method; '' where it names none
    cloud          text NOT NULL, -- as in region.cloud
    -- What the provider reported on at once: a day, a month, a billing period. The end
    -- is not part of it.
    statement_from date NOT NULL,
    statement_to   date NOT NULL CHECK (statement_to > statement_from),
    month          date NOT NULL CHECK (extract(day FROM month) = 1), -- of the use, as the provider cuts months
    account        text NOT NULL,
    service        text NOT NULL,
    region         text NOT NULL, -- as the provider codes it; '' is none
    project        text NOT NULL, -- by its name here; '' is unknown
    business_unit  text NOT NULL, -- of what has no project; '' is unknown
    -- carbon has no stated basis; energy was never metered.
    quantity       text NOT NULL CHECK (quantity IN ('carbon', 'carbon_location', 'carbon_market', 'energy', 'cost')),
    scope          text NOT NULL CHECK (scope IN ('total', '1', '2', '3')), -- of the GHG Protocol; the total has them inside
    charge         text NOT NULL CHECK ((charge = '') = (quantity <> 'cost') AND charge IN ('', 'usage', 'purchase', 'adjustment', 'credit', 'tax')),
    idle           boolean NOT NULL, -- paid for and not used
    value          bigint NOT NULL, -- µg CO2e, nWh or nano-USD
    import_id      int NOT NULL REFERENCES provider_import,
    superseded_by  int REFERENCES provider_import
);
CREATE UNIQUE INDEX provider_figure_current ON provider_figure (month, source, model_version, cloud, statement_from, statement_to,
    account, service, region, project, business_unit, quantity, scope, charge, idle) WHERE superseded_by IS NULL;

GRANT INSERT ON provider_import, provider_figure TO wattscore_writer;
GRANT UPDATE (superseded_by) ON provider_figure TO wattscore_writer;

-- A scoped login sees what is known to be its units': see migration 16.
ALTER TABLE provider_figure ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON provider_figure USING (true);
CREATE POLICY scope ON provider_figure AS RESTRICTIVE FOR SELECT TO wattscore_scoped USING (
    CASE WHEN project <> '' THEN project IN (SELECT name FROM wattscore.project)
         ELSE business_unit = ANY ((SELECT wattscore.scope())::text[]) END);
GRANT SELECT ON provider_figure TO wattscore_scoped;
