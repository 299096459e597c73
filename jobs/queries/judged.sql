-- Every outcome of these shards under these policies by this judge, in the order of the items.
SELECT position, policy_id, violation, rule_ids, severity, action, confidence, score, rationale, reason, detail
FROM outcomes
WHERE source = $source
  AND shard IN (SELECT unnest($shards::VARCHAR[]))
  AND policy_hash IN (SELECT unnest($policies::VARCHAR[]))
  AND judge = $judge AND judge_revision = $revision AND settings_hash = $settings
ORDER BY position, policy_id
