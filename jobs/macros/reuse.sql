-- How much was judged, and how much was known? One row per policy and version: policy_id, policy_version, cases that
-- were decided by the judge, now or earlier; judged; reused; share of reused; audited (known, and judged again all the
-- same). For `since` and `until` see `decided`.
-- Caveats: how often audited verdicts agree, and what reuse saved, is in `runs` (agreed, saved_tokens, saved_cost).
CREATE MACRO reuse(since := NULL, until := NULL) AS TABLE
SELECT policy_id, policy_version, count(*) AS cases, count(*) FILTER (stage = 'judge') AS judged,
       count(*) FILTER (stage = 'reused') AS reused, count(*) FILTER (stage = 'reused') / count(*) AS share,
       count(*) FILTER (stage = 'judge' AND reused_run IS NOT NULL) AS audited
FROM decided(since := since, until := until)
WHERE stage IN ('judge', 'reused')
GROUP BY policy_id, policy_version
ORDER BY policy_id, policy_version
