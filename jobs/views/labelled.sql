-- Where do people and the judge differ? One row per item id and policy id that has a label and an outcome: item_id,
-- policy_id, policy_version, label, violation, rejected, said (the verdict; of a rejection the wrong one), weight, who,
-- rationale, source, shard, position.
-- Caveats: of several outcomes of a pair the last decided counts, of several labels the latest of that content: a label
-- with another content_hash than the outcome is of something else. Without one it is taken to be of what is there now.
-- Unknown labels are left out. Ids are compared as they are: one that two sources use for different items must not be
-- labelled.
WITH known AS (
    SELECT * FROM labels WHERE "label" IS NOT NULL
), last_said AS (
    SELECT item_id, policy_id, policy_version, status, violation, rationale, source, shard, "position", content_hash
    FROM outcomes SEMI JOIN known USING (item_id, policy_id)
    QUALIFY row_number() OVER (
        PARTITION BY item_id, policy_id ORDER BY judged_at DESC, "position" DESC, policy_hash, settings_hash
    ) = 1
)
SELECT item_id, policy_id, policy_version, "label", violation, status = 'rejected' AS rejected,
       coalesce(violation, NOT "label") AS said, weight, who, rationale, source, shard, "position"
FROM known JOIN last_said USING (item_id, policy_id)
WHERE coalesce(known.content_hash = last_said.content_hash, true)
QUALIFY row_number() OVER (PARTITION BY item_id, policy_id ORDER BY "when" DESC NULLS LAST, who DESC, "label") = 1
