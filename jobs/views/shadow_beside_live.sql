-- What would a shadow policy change? One row per item and policy id that has an outcome under a live policy and under
-- its shadow by the same judge: both, of several texts the latest. What could not be judged is null, with its reason.
WITH shadow AS (
    SELECT * FROM shadow_outcomes
    QUALIFY row_number() OVER (
        PARTITION BY source, shard, "position", policy_id, judge_revision, settings_hash ORDER BY judged_at DESC
    ) = 1
), live AS (
    SELECT * FROM outcomes
    SEMI JOIN shadow USING (source, shard, "position", policy_id, judge_revision, settings_hash)
    QUALIFY row_number() OVER (
        PARTITION BY source, shard, "position", policy_id, judge_revision, settings_hash ORDER BY judged_at DESC
    ) = 1
)
SELECT live.item_id, live.item_time, policy_id, source, shard, "position", live.carried, judge_revision, settings_hash,
       live.violation IS DISTINCT FROM shadow.violation AS flipped,
       live.policy_version AS live_version, shadow.policy_version AS shadow_version,
       live.violation AS live_violation, shadow.violation AS shadow_violation,
       live.rule_ids AS live_rule_ids, shadow.rule_ids AS shadow_rule_ids,
       live.severity AS live_severity, shadow.severity AS shadow_severity,
       live."action" AS live_action, shadow."action" AS shadow_action,
       live.score AS live_score, shadow.score AS shadow_score,
       live.rationale AS live_rationale, shadow.rationale AS shadow_rationale,
       live.reason AS live_reason, shadow.reason AS shadow_reason
FROM live JOIN shadow USING (source, shard, "position", policy_id, judge_revision, settings_hash)
