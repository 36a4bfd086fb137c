-- +goose Up
-- What the business side knows: revenue and users by month, budgets.

-- business_unit '' stands for the whole company.
CREATE TABLE business_metric (
    month         date NOT NULL CHECK (extract(day FROM month) = 1),
    metric        text NOT NULL CHECK (metric IN ('revenue', 'arr', 'transactions', 'active_users')),
    business_unit text NOT NULL DEFAULT '',
    value         numeric NOT NULL CHECK (value >= 0),
    source        text NOT NULL,
    PRIMARY KEY (month, metric, business_unit)
);

CREATE TABLE cost_budget (
    day           date NOT NULL,
    business_unit text NOT NULL DEFAULT '',
    usd           numeric NOT NULL CHECK (usd >= 0),
    source        text NOT NULL,
    PRIMARY KEY (day, business_unit)
);

-- Weeks begin on Monday (ISO 8601).
CREATE TABLE carbon_budget (
    week          date NOT NULL CHECK (extract(isodow FROM week) = 1),
    business_unit text NOT NULL DEFAULT '',
    kg            numeric NOT NULL CHECK (kg >= 0),
    source        text NOT NULL,
    PRIMARY KEY (week, business_unit)
);
