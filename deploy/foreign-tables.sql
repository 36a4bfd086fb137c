-- WattScore's events and dimensions as foreign tables of another PostgreSQL, read as they
-- are at the moment of the question. Run it there, with a login that may create servers:
--
--   psql -v host=warehouse.example -v port=5432 -v database=energy -v login=bi_reader
--   => \prompt 'Password of bi_reader: ' password
--   => \i foreign-tables.sql
--
-- The password is asked for, so that it stands in no list of processes and no history.
-- The login is one of `wattctl db roles --reader bi_reader`; to write events through the
-- foreign table, one of `--writer`. A login that is limited with `--scope` reads
-- seen_event instead of event.
CREATE EXTENSION IF NOT EXISTS postgres_fdw;

CREATE SERVER wattscore FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host :'host', port :'port', dbname :'database', fetch_size '10000', updatable 'true');

CREATE USER MAPPING FOR CURRENT_USER SERVER wattscore OPTIONS (user :'login', password :'password');

CREATE SCHEMA wattscore_live;

IMPORT FOREIGN SCHEMA wattscore LIMIT TO (event, model, project, region)
    FROM SERVER wattscore INTO wattscore_live;
