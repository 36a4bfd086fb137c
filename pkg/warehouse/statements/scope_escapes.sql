-- What would let a scoped login see more than its business units: roles it is a member
-- of beside wattscore_scoped, through other roles too, and attributes; grain: one row each.
SELECT r.rolname::text
FROM pg_roles r
WHERE r.rolname NOT IN (@name::text, 'wattscore_scoped') AND r.oid IN (
    WITH RECURSIVE of (role) AS (
        SELECT m.roleid FROM pg_auth_members m JOIN pg_roles l ON l.oid = m.member WHERE l.rolname = @name
        UNION
        SELECT m.roleid FROM pg_auth_members m JOIN of ON of.role = m.member
    ) SELECT role FROM of)
UNION ALL
SELECT a.name
FROM pg_roles l
CROSS JOIN LATERAL (VALUES ('SUPERUSER', l.rolsuper), ('BYPASSRLS', l.rolbypassrls), ('CREATEROLE', l.rolcreaterole), ('REPLICATION', l.rolreplication)) AS a (name, has)
WHERE l.rolname = @name AND a.has
ORDER BY 1
