-- Says that a database was loaded to its end, and with what.
CREATE TABLE bench.loaded AS
SELECT current_setting('bench.made_of') AS made_of, current_setting('bench.from_time')::timestamptz AS from_time,
       current_setting('bench.to_time')::timestamptz AS to_time
