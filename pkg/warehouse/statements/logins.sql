-- The logins that are members of the warehouse's roles, with the roles and the business
-- units they are limited to; grain: one row a login.
SELECT login.rolname, array_agg(DISTINCT role.rolname::text ORDER BY role.rolname::text),
       (SELECT coalesce(array_agg(s.business_unit ORDER BY s.business_unit), '{}') FROM wattscore.reader_scope s WHERE s.login = login.rolname)
FROM pg_roles login
JOIN pg_auth_members m ON m.member = login.oid
JOIN pg_roles role ON role.oid = m.roleid
WHERE login.rolcanlogin AND role.rolname IN ('wattscore_reader', 'wattscore_scoped', 'wattscore_writer', 'wattscore_owner')
GROUP BY login.rolname
ORDER BY login.rolname
