-- Of one policy, each item's latest verdict and where its content lies, in order of ids.
SELECT item_id, violation, confidence, score, rule_ids, "source", "position", content_hash
FROM latest_verdicts
WHERE policy_id = $policy AND item_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY judged_at DESC, "source" DESC, "position" DESC) = 1
ORDER BY item_id
