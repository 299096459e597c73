-- What could not be judged, and why? One row per policy, version, stage and reason: policy_id, policy_version, stage,
-- reason, rejected, share of the version's cases (verdicts and rejections), low and high (Wilson, 95 %), and the item_id
-- and detail of one of them. For `since`, `until` and `latest` see `decided`.
CREATE MACRO rejection_reasons(since := NULL, until := NULL, latest := false) AS TABLE
WITH counted AS (
    SELECT policy_id, policy_version, stage, reason, count(*) AS n,
           arg_min({'item_id': item_id, 'detail': detail}, (source, shard, "position")) FILTER (status = 'rejected')
           AS example
    FROM decided(since := since, until := until, latest := latest)
    GROUP BY ALL
), shared AS (
    SELECT *, (sum(n) OVER (PARTITION BY policy_id, policy_version))::BIGINT AS total FROM counted
)
SELECT policy_id, policy_version, stage, reason, n AS rejected, n / total AS share,
       wilson(n, total).low AS low, wilson(n, total).high AS high, example.item_id AS item_id, example.detail AS detail
FROM shared
WHERE reason IS NOT NULL
ORDER BY policy_id, policy_version, rejected DESC, reason
