-- +goose Up
-- What turns IT energy into facility energy, money and carbon. A published
-- number never changes silently: every change of a factor that is in use makes a
-- new version, which restating puts in force while the old one stays readable.

CREATE TABLE factor_version (
    version_id  int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    based_on    int REFERENCES factor_version,
    created_at  timestamptz NOT NULL DEFAULT now(),
    in_force    boolean NOT NULL DEFAULT false,
    in_force_at timestamptz
);
CREATE UNIQUE INDEX factor_version_one_in_force ON factor_version (in_force) WHERE in_force;

-- One figure, valid from a day of the company's calendar until the next figure
-- of the same region and quantity. Units by quantity:
--   grid_location, grid_market  g CO2e per kWh
--   pue                         facility energy / IT energy
--   electricity_price           USD per kWh
--   carbon_free_share           0..1, stated by the provider, not used in formulas
CREATE TABLE region_factor (
    version_id  int NOT NULL REFERENCES factor_version,
    region_id   int NOT NULL REFERENCES region,
    quantity    text NOT NULL
                CHECK (quantity IN ('grid_location', 'grid_market', 'pue', 'electricity_price', 'carbon_free_share')),
    valid_from  date NOT NULL,
    value       numeric NOT NULL CHECK (value >= 0 AND value < 1e6),
    source      text NOT NULL,
    source_year smallint NOT NULL,
    method      text NOT NULL,
    boundary    text NOT NULL,
    PRIMARY KEY (version_id, region_id, quantity, valid_from),
    CHECK (quantity <> 'pue' OR value >= 1)
);

-- PUE as the facility itself reports it; a factor version takes it in.
CREATE TABLE facility_pue_reading (
    region_id  int NOT NULL REFERENCES region,
    valid_from date NOT NULL,
    pue        numeric NOT NULL CHECK (pue >= 1 AND pue < 10),
    source     text NOT NULL,
    PRIMARY KEY (region_id, valid_from)
);

-- The figures side by side for each stretch of time in which none changes: what
-- every query joins. Derived from region_factor by fill_factor_periods. A cloud
-- region without a figure of its own takes its country's, and the market-based
-- intensity falls back to the location-based one where no contract is known
-- (GHG Protocol Scope 2 Guidance, data hierarchy).
CREATE TABLE factor_period (
    version_id           int NOT NULL REFERENCES factor_version,
    region_id            int NOT NULL REFERENCES region,
    valid_from           timestamptz NOT NULL,
    valid_to             timestamptz NOT NULL,
    grid_location        numeric,
    grid_market          numeric,
    pue                  numeric,
    electricity_price    numeric,
    grid_year            smallint,
    market_from_contract boolean NOT NULL,
    PRIMARY KEY (version_id, region_id, valid_from)
);

-- +goose StatementBegin
-- The figure of a quantity that holds in a region on a day: the region's own
-- newest, else its country's newest.
CREATE FUNCTION factor_at(version int, region int, wanted text, on_day date)
RETURNS TABLE (value numeric, source_year smallint) LANGUAGE sql STABLE AS $$
    SELECT f.value, f.source_year
      FROM wattscore.region r
      JOIN wattscore.region o ON o.region_id = r.region_id OR o.code = r.country_code
      JOIN wattscore.region_factor f ON f.region_id = o.region_id
     WHERE r.region_id = region AND f.version_id = version AND f.quantity = wanted AND f.valid_from <= on_day
     ORDER BY (o.region_id = r.region_id) DESC, f.valid_from DESC
     LIMIT 1;
$$;

CREATE FUNCTION fill_factor_periods(version int) RETURNS void LANGUAGE sql AS $$
    DELETE FROM wattscore.factor_period WHERE version_id = version;
    INSERT INTO wattscore.factor_period
    SELECT version, b.region_id,
           b.valid_from::timestamp AT TIME ZONE s.time_zone,
           coalesce(b.valid_to::timestamp AT TIME ZONE s.time_zone, 'infinity'),
           location.value, coalesce(market.value, location.value), pue.value, price.value,
           location.source_year, market.value IS NOT NULL
    FROM wattscore.calendar_setting s,
         (SELECT region_id, valid_from, lead(valid_from) OVER (PARTITION BY region_id ORDER BY valid_from) AS valid_to
            FROM (SELECT DISTINCT r.region_id, f.valid_from
                    FROM wattscore.region r
                    JOIN wattscore.region o ON o.region_id = r.region_id OR o.code = r.country_code
                    JOIN wattscore.region_factor f ON f.region_id = o.region_id AND f.version_id = version) AS starts) AS b
    LEFT JOIN LATERAL wattscore.factor_at(version, b.region_id, 'grid_location', b.valid_from) AS location ON true
    LEFT JOIN LATERAL wattscore.factor_at(version, b.region_id, 'grid_market', b.valid_from) AS market ON true
    LEFT JOIN LATERAL wattscore.factor_at(version, b.region_id, 'pue', b.valid_from) AS pue ON true
    LEFT JOIN LATERAL wattscore.factor_at(version, b.region_id, 'electricity_price', b.valid_from) AS price ON true;
$$;

-- Puts a version in force: from here on every answer that names no version
-- is computed with it. The earlier versions stay.
CREATE FUNCTION put_factors_in_force(version int) RETURNS void LANGUAGE sql AS $$
    UPDATE wattscore.factor_version SET in_force = false WHERE in_force AND version_id <> version;
    UPDATE wattscore.factor_version SET in_force = true, in_force_at = coalesce(in_force_at, now()) WHERE version_id = version;
$$;
-- +goose StatementEnd

CREATE TABLE reference_intensity (
    task_class         text NOT NULL REFERENCES task_class,
    valid_from         date NOT NULL,
    wh_per_1k_requests numeric NOT NULL CHECK (wh_per_1k_requests > 0),
    source             text NOT NULL,
    source_year        smallint NOT NULL,
    boundary           text NOT NULL,
    PRIMARY KEY (task_class, valid_from)
);
