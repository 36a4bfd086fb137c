-- What the server has beyond plain PostgreSQL; one row.
SELECT coalesce((SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'), ''),
       coalesce((SELECT extversion FROM pg_extension WHERE extname = 'citus'), ''),
       pg_is_in_recovery()
