-- +goose Up
-- What a chart marks: when models were released and when factors were restated.

-- NULL: the first day that the model served requests stands for it.
ALTER TABLE model ADD COLUMN released_on date;

-- Every change of the factors in force, so that an auditor sees when published
-- numbers changed, from which version to which, and by whom.
CREATE TABLE factor_restatement (
    restatement_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    restated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_version   int REFERENCES factor_version,
    to_version     int NOT NULL REFERENCES factor_version,
    restated_by    text NOT NULL DEFAULT session_user
);
GRANT SELECT, INSERT ON factor_restatement TO wattscore_writer;
GRANT SELECT ON factor_restatement TO wattscore_reader;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION put_factors_in_force(version int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO wattscore.factor_restatement (from_version, to_version)
    SELECT (SELECT version_id FROM wattscore.factor_version WHERE in_force), version
    WHERE NOT EXISTS (SELECT FROM wattscore.factor_version WHERE in_force AND version_id = version);
    UPDATE wattscore.factor_version SET in_force = false WHERE in_force AND version_id <> version;
    UPDATE wattscore.factor_version SET in_force = true, in_force_at = coalesce(in_force_at, now()) WHERE version_id = version;
$$;
-- +goose StatementEnd
