-- The regions, to be taken out; grain: one row a region.
SELECT code, cloud, location, country_code FROM wattscore.region ORDER BY code
