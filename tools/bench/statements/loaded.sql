-- What a database that was loaded to its end was loaded with. Grain: one row, or the
-- table is not there.
SELECT made_of, from_time, to_time FROM bench.loaded
