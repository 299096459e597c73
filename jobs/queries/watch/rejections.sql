-- What run $run could not judge, by stage and reason, the most frequent first: how many cases, and of the last of them
-- when it was decided, its item and its policy. Rows of the UTC days since $first_day, live and shadow. What the item
-- says is not read, nor is the detail, which may quote it.
SELECT stage, reason, rejected, last_judged, last_one.item_id AS item_id, last_one.policy_id AS policy_id
FROM (
    SELECT stage, reason, count(*) AS rejected, max(judged_at) AS last_judged,
           arg_max(
               {'item_id': item_id, 'policy_id': policy_id},
               (judged_at, source, shard, "position", policy_id, policy_hash)
           ) AS last_one
    FROM (FROM outcomes UNION ALL BY NAME FROM shadow_outcomes)
    WHERE run_id = $run AND status = 'rejected' AND audit_day >= $first_day::DATE
    GROUP BY stage, reason
)
ORDER BY rejected DESC, stage, reason
