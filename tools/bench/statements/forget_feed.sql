-- Takes out the events of the feed that are not rolled up, and its members: a database
-- that is kept is as it was loaded.
SET session_replication_role = replica; -- nobody is to know that they were there
DELETE FROM wattscore.inference_energy_fact
WHERE ingest_xid >= (SELECT next_xid FROM wattscore.rollup_state)
  AND endpoint_id IN (SELECT endpoint_id FROM wattscore.endpoint WHERE name LIKE 'feed-endpoint-%');
DELETE FROM wattscore.endpoint WHERE name LIKE 'feed-endpoint-%';
DELETE FROM wattscore.model WHERE name LIKE 'feed-model-%';
DELETE FROM wattscore.project WHERE name LIKE 'feed-project-%';
RESET session_replication_role;
