-- Makes a factor version with all figures of another; returns its number.
WITH made AS (
    INSERT INTO wattscore.factor_version (name, based_on) VALUES (@name, @based_on) RETURNING version_id
), copied AS (
    INSERT INTO wattscore.region_factor (version_id, region_id, quantity, valid_from, value, source, source_year, method, boundary)
    SELECT made.version_id, f.region_id, f.quantity, f.valid_from, f.value, f.source, f.source_year, f.method, f.boundary
    FROM wattscore.region_factor f CROSS JOIN made
    WHERE f.version_id = @based_on
)
SELECT version_id FROM made
