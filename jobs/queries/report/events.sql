-- What changed meanwhile that could move a rate? One row per policy and change within the days shown, in order of time:
-- kind `policy` where a text decided that had not on the day before, of those on which the policy decided anything
-- (`what`: its version), so that going back to an earlier one is a change too; `judge` likewise of another judge,
-- revision or settings; with the moment of its first outcome of that day, and in which bucket of the series that lies.
-- What a policy began with is no change.
WITH decisions AS MATERIALIZED (
    SELECT policy_id, audit_day, policy_version, policy_hash, judge, judge_revision, settings_hash,
           min(first_judged) AS moment
    FROM tracks_by_day
    WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
), used AS (
    SELECT policy_id, audit_day, 'policy' AS kind, policy_hash AS identity, any_value(policy_version) AS what,
           min(moment) AS moment
    FROM decisions
    GROUP BY ALL
    UNION ALL
    SELECT policy_id, audit_day, 'judge', judge || ' ' || judge_revision || ' ' || settings_hash, any_value(judge),
           min(moment)
    FROM decisions
    GROUP BY ALL
), numbered AS (
    SELECT *, dense_rank() OVER (PARTITION BY policy_id, kind ORDER BY audit_day) AS nth_day FROM used
), changed AS (
    SELECT *, lag(nth_day) OVER (PARTITION BY policy_id, kind, identity ORDER BY audit_day) AS last_used
    FROM numbered
)
SELECT policy_id, kind, what, moment, greatest(
           bucket_of(moment, $every),
           (CASE WHEN audit_day >= $since::DATE THEN $since::DATE ELSE $since_before::DATE END)::TIMESTAMP
       ) AS bucket
FROM changed
WHERE nth_day > 1 AND (last_used IS NULL OR last_used < nth_day - 1)
  AND audit_day BETWEEN coalesce($since_before::DATE, $since::DATE) AND $until::DATE
ORDER BY policy_id, moment, kind, identity
