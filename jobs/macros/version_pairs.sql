-- What did another version of a policy change? One row per item that has a verdict under both: item_id, source, shard,
-- position, and of the verdict under version `before` and under `after`: violation_before, violation_after, then
-- rule_ids, action, score and rationale likewise. `flipped` says whether violation differs.
-- Caveats: versions are told apart by what the policy calls itself. Of several verdicts of one version (other judges)
-- the last judged is taken. In a stream no record is judged under two versions.
CREATE MACRO version_pairs(policy, before, after) AS TABLE
WITH wanted AS (
    SELECT * FROM verdicts
    WHERE policy_id = policy AND policy_version IN (before::VARCHAR, after::VARCHAR)
    QUALIFY row_number() OVER (
        PARTITION BY source, shard, "position", policy_version ORDER BY judged_at DESC, policy_hash, settings_hash
    ) = 1
)
SELECT one.item_id, source, shard, "position", one.violation <> two.violation AS flipped,
       one.violation AS violation_before, two.violation AS violation_after,
       one.rule_ids AS rule_ids_before, two.rule_ids AS rule_ids_after,
       one."action" AS action_before, two."action" AS action_after,
       one.score AS score_before, two.score AS score_after,
       one.rationale AS rationale_before, two.rationale AS rationale_after
FROM wanted AS one JOIN wanted AS two USING (source, shard, "position")
WHERE one.policy_version = before::VARCHAR AND two.policy_version = after::VARCHAR
ORDER BY source, shard, "position"
