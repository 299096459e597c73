-- What breaks which rule, and why? One row per violation that stands (`latest_verdicts`): item_id, item_time, policy_id,
-- policy_version, rule_ids, severity, action, confidence, score, rationale, reasoning, judge, judged_at, audit_day,
-- carried, content_hash, source, shard, position, run_id.
-- Caveats: the content itself is not in the table. Text here is what the judge wrote, and may quote the content.
SELECT item_id, item_time, policy_id, policy_version, rule_ids, severity, "action", confidence, score, rationale,
       reasoning, judge, judged_at, audit_day, carried, content_hash, source, shard, "position", run_id
FROM latest_verdicts
WHERE violation
