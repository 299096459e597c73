-- Which part of the content moved, and can another mix of it explain a change? One row per policy and value of one
-- carried column, or, without $carried_key, per source; before and in the period, of what stood at the end of each: its
-- verdicts, their share of the policy's, the rates, the change with its limits (Newcombe, 95 %), p_holm (Fisher's exact
-- test, for all policies of the table and their values, whichever are asked for, Holm 1979), and moved: p_holm < 0.05.
-- `brought` is how much of the policy's change comes from the shares alone: (share - share_before) times the mean of
-- both rates (Kitagawa 1955), summed over values in `brought_by_mix`. A value that only one period has is taken to have
-- had the same rate in the other.
-- Of a policy the 50 most frequent values have a row each, the others one together, whose value is null: anybody may
-- write values. They are told apart by their first 100 characters. Sources have rows only where at least half of the
-- verdicts of both periods come from ones that both have: files of each day explain nothing.
WITH valued AS (
    SELECT policy_id, is_now, violation, CASE
               WHEN found IS NULL THEN ''
               WHEN $carried_key::VARCHAR IS NULL OR strlen(found) <= 100 THEN found
               ELSE left(found, 100)
           END AS value
    FROM (
        SELECT policy_id, is_now, violation,
               CASE WHEN $carried_key::VARCHAR IS NULL THEN source ELSE carried[$carried_key::VARCHAR] END AS found
        FROM compared($since, $until, $since_before, $until_before)
        WHERE status = 'verdict'
    )
), each_value AS (
    SELECT policy_id, value, count(*) FILTER (NOT is_now) AS verdicts_before,
           count(*) FILTER (violation AND NOT is_now) AS flagged_before, count(*) FILTER (is_now) AS verdicts,
           count(*) FILTER (violation AND is_now) AS flagged,
           row_number() OVER (PARTITION BY policy_id ORDER BY count(*) DESC, value) AS place
    FROM valued
    GROUP BY policy_id, value
), shared AS (
    SELECT policy_id, least(sum(verdicts) FILTER (verdicts_before > 0) / sum(verdicts),
                            sum(verdicts_before) FILTER (verdicts > 0) / sum(verdicts_before)) AS in_both
    FROM each_value
    GROUP BY policy_id
), counted AS (
    SELECT policy_id, CASE WHEN place <= 50 THEN value END AS value, sum(verdicts_before)::BIGINT AS verdicts_before,
           sum(flagged_before)::BIGINT AS flagged_before, sum(verdicts)::BIGINT AS verdicts,
           sum(flagged)::BIGINT AS flagged
    FROM each_value
    GROUP BY ALL
), rated AS (
    SELECT *, flagged / nullif(verdicts, 0) AS rate, flagged_before / nullif(verdicts_before, 0) AS rate_before,
           verdicts / nullif(sum(verdicts) OVER (PARTITION BY policy_id), 0) AS share,
           verdicts_before / nullif(sum(verdicts_before) OVER (PARTITION BY policy_id), 0) AS share_before,
           newcombe(flagged, verdicts, flagged_before, verdicts_before) AS limits,
           fisher(flagged, verdicts, flagged_before, verdicts_before) AS p
    FROM counted
), stepped AS (
    SELECT *, (share - share_before) * (coalesce(rate, rate_before) + coalesce(rate_before, rate)) / 2 AS brought,
           p * (count(p) OVER () - row_number() OVER (ORDER BY p NULLS LAST, policy_id, value) + 1) AS step
    FROM rated
    WHERE share IS NOT NULL AND share_before IS NOT NULL
), adjusted AS (
    SELECT *, CASE WHEN p IS NOT NULL THEN least(1.0, max(step) OVER (ORDER BY p NULLS LAST, policy_id, value)) END
              AS p_holm
    FROM stepped
)
SELECT policy_id, value, verdicts_before, share_before, rate_before, verdicts, share, rate,
       rate - rate_before AS change, limits.low AS change_low, limits.high AS change_high, p_holm,
       coalesce(p_holm < 0.05, false) AS moved, brought, sum(brought) OVER (PARTITION BY policy_id) AS brought_by_mix
FROM adjusted JOIN shared USING (policy_id)
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
  AND ($carried_key::VARCHAR IS NOT NULL OR in_both >= 0.5)
ORDER BY policy_id, value IS NULL, verdicts + verdicts_before DESC, value
