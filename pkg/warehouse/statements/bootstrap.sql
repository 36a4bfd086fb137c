-- What must be there before the first migration, run as the login that installs:
-- the group roles and a schema that the owner role owns.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['wattscore_owner', 'wattscore_writer', 'wattscore_reader', 'wattscore_scoped'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the server, another database may have made it
        END;
    END LOOP;
    IF NOT pg_has_role(current_user, 'wattscore_owner', 'MEMBER') THEN
        EXECUTE format('GRANT wattscore_owner TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO wattscore_owner', current_database());
END
$$;
CREATE SCHEMA IF NOT EXISTS wattscore AUTHORIZATION wattscore_owner;
