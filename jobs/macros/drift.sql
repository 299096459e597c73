-- Which policies' rates moved between two periods? One row per policy: policy_id, and for the period before and the
-- period: verdicts_before, flagged_before, rate_before, verdicts, flagged, rate; then change = rate - rate_before, low
-- and high (Newcombe, 95 %), p (Fisher's exact test), p_holm (p for as many policies as are compared, Holm 1979), and
-- moved: p_holm < 0.05. That any policy at all is said to have moved though none did has a chance of at most 1 in 20.
-- All four days (audit_day) are included. Counted is what stood at the end of each period (`standing`): an item that was
-- judged again in it, under another version or by another judge, counts once.
-- Caveats: change and p are null where a period has no verdict. Intervals are of each policy alone: one may leave out 0
-- though `moved` is false. Items are taken to be independent, those of both periods too. A new version or judge moves a
-- rate as well: see `policy_versions`.
CREATE MACRO drift(since, until, since_before, until_before) AS TABLE
WITH counted AS (
    SELECT policy_id,
           count(*) FILTER (NOT is_now) AS verdicts_before,
           count(*) FILTER (violation AND NOT is_now) AS flagged_before,
           count(*) FILTER (is_now) AS verdicts, count(*) FILTER (violation AND is_now) AS flagged
    FROM compared(since, until, since_before, until_before)
    WHERE status = 'verdict'
    GROUP BY policy_id
), tested AS (
    SELECT *, newcombe(flagged, verdicts, flagged_before, verdicts_before) AS limits,
           fisher(flagged, verdicts, flagged_before, verdicts_before) AS p
    FROM counted WHERE verdicts + verdicts_before > 0
), stepped AS (
    SELECT *, p * (count(p) OVER () - row_number() OVER (ORDER BY p NULLS LAST, policy_id) + 1) AS step FROM tested
), adjusted AS (
    SELECT *, CASE WHEN p IS NOT NULL THEN least(1.0, max(step) OVER (ORDER BY p NULLS LAST, policy_id)) END AS p_holm
    FROM stepped
)
SELECT policy_id, verdicts_before, flagged_before, flagged_before / nullif(verdicts_before, 0) AS rate_before,
       verdicts, flagged, flagged / nullif(verdicts, 0) AS rate,
       flagged / nullif(verdicts, 0) - flagged_before / nullif(verdicts_before, 0) AS change,
       limits.low AS low, limits.high AS high, p, p_holm, coalesce(p_holm < 0.05, false) AS moved
FROM adjusted
ORDER BY policy_id
