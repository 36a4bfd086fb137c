-- Stores what happened to assets; grain: asset x time x stage. Returns the place
-- of each event that is new or changed.
WITH given AS (
    SELECT g.*, h.asset_id
    FROM unnest(@serial::text[], @ts::timestamptz[], @stage::text[], @source::text[]) WITH ORDINALITY
        AS g (serial, ts, stage, source, place)
    JOIN wattscore.hardware_asset h USING (serial)
), stored AS (
    INSERT INTO wattscore.hardware_event AS e (asset_id, ts, stage, source)
    SELECT asset_id, ts, stage, source FROM given ORDER BY asset_id, ts, stage
    ON CONFLICT (asset_id, ts, stage) DO UPDATE SET source = excluded.source
    WHERE e.source IS DISTINCT FROM excluded.source
    RETURNING asset_id, ts, stage
)
SELECT g.place::int FROM given g JOIN stored USING (asset_id, ts, stage)
