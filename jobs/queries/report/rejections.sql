-- What could not be judged in a period, as it stood at its end, and why: of each stage and reason the cases, the items and
-- policies that they are of, the share of all cases with its limits (Wilson, 95 %), and one case as an example: the first
-- by its place.
WITH counted AS (
    SELECT stage, reason, count(*) AS n, count(DISTINCT (source, partition_of(shard), "position")) AS items,
           count(DISTINCT policy_id) AS policies,
           arg_min(
               {'item_id': item_id, 'policy_id': policy_id, 'detail': detail, 'source': source, 'position': "position"},
               (source, shard, "position", policy_id, policy_hash)
           ) AS example
    FROM standing(since := $since, until := $until)
    WHERE status = 'rejected' AND reason IS NOT NULL
      AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY stage, reason
), all_cases AS (
    SELECT count(*) AS total
    FROM standing(since := $since, until := $until)
    WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
)
SELECT stage, reason, n AS rejected, items, policies, total AS cases, n / total AS share, wilson(n, total).low AS low,
       wilson(n, total).high AS high, example.item_id AS item_id, example.policy_id AS policy_id,
       example.detail AS detail, example.source AS source, example."position" AS "position"
FROM counted CROSS JOIN all_cases
ORDER BY rejected DESC, stage, reason
