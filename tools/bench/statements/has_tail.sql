-- Whether facts are not rolled up yet, as while a transaction that began before
-- them is still open anywhere on the server. Grain: one row.
SELECT EXISTS (SELECT FROM wattscore.fact_measure WHERE xid >= (SELECT next_xid FROM wattscore.rollup_state))
