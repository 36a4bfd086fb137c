-- The logins of the warehouse; grain: one row a login and group role.
SELECT member.rolname, granted.rolname
FROM pg_auth_members m
JOIN pg_roles granted ON granted.oid = m.roleid
JOIN pg_roles member ON member.oid = m.member
WHERE granted.rolname IN ('wattscore_owner', 'wattscore_writer', 'wattscore_reader') AND member.rolcanlogin
ORDER BY member.rolname, granted.rolname
