-- The statements that make a login a member of a role, in order. They take no
-- parameters, so the server quotes what goes into them.
SELECT statement
FROM (VALUES
    (1, CASE WHEN NOT EXISTS (SELECT FROM pg_roles WHERE rolname = @name) THEN format('CREATE ROLE %I', @name::text) END),
    (2, format('ALTER ROLE %I LOGIN', @name::text)),
    (3, CASE WHEN @verifier::text IS NOT NULL THEN format('ALTER ROLE %I PASSWORD %L', @name::text, @verifier::text) END),
    (4, (SELECT string_agg(format('REVOKE %I FROM %I', role.rolname, @name::text), '; ')
         FROM pg_auth_members m
         JOIN pg_roles role ON role.oid = m.roleid
         JOIN pg_roles login ON login.oid = m.member
         WHERE login.rolname = @name AND role.rolname IN ('wattscore_reader', 'wattscore_scoped', 'wattscore_writer') AND role.rolname <> @role)),
    (5, format('GRANT %I TO %I', @role::text, @name::text)),
    (6, format('DELETE FROM wattscore.reader_scope WHERE login = %L', @name::text)),
    (7, CASE WHEN @units::text[] IS NOT NULL THEN format('INSERT INTO wattscore.reader_scope SELECT %L, unnest(%L::text[])', @name::text, @units::text[]) END)
) AS step (place, statement)
WHERE statement IS NOT NULL
ORDER BY place
