-- What run $run has come to at instant $now: one row. Verdicts under live and under shadow policies alike, but for
-- `actions`, what the live ones ask to be done. `items`: those with an outcome under the policy that is furthest.
-- `unsure`: of low confidence, or escalated by the policy's own words. `lately` is the minute before $now; the rate
-- `per_second` begins at the first verdict and ends at $now or, if $ended, at the last. `policies` has a row for each
-- id and mode, all versions together: verdicts, those that are violations, their share with limits (Wilson, 95 %).
-- One pass over narrow columns of the rows of the UTC days since $first_day: no texts, no ids.
WITH cells AS MATERIALIZED (
    SELECT policy_id, "mode", status, stage, violation, "action",
           confidence = 'low' OR "action" = 'escalate' AS unsure, count(*) AS n,
           count(*) FILTER (judged_at > $now::TIMESTAMPTZ - INTERVAL 1 MINUTE) AS lately,
           min(judged_at) AS first_judged, max(judged_at) AS last_judged, sum(prompt_tokens) AS prompt_tokens,
           sum(cached_tokens) AS cached_tokens, sum(output_tokens) AS output_tokens
    FROM (FROM outcomes UNION ALL BY NAME FROM shadow_outcomes)
    WHERE run_id = $run AND audit_day >= $first_day::DATE
    GROUP BY ALL
), by_policy AS (
    SELECT policy_id, "mode", sum(n)::BIGINT AS settled,
           coalesce(sum(n) FILTER (status = 'verdict'), 0)::BIGINT AS verdicts,
           coalesce(sum(n) FILTER (violation), 0)::BIGINT AS flagged,
           coalesce(sum(n) FILTER (unsure), 0)::BIGINT AS unsure
    FROM cells
    GROUP BY policy_id, "mode"
), by_action AS (
    SELECT "action", sum(n)::BIGINT AS verdicts
    FROM cells
    WHERE status = 'verdict' AND "mode" = 'live'
    GROUP BY "action"
), whole AS (
    SELECT coalesce(sum(n), 0)::BIGINT AS settled,
           coalesce(sum(n) FILTER (status = 'verdict'), 0)::BIGINT AS verdicts,
           coalesce(sum(n) FILTER (status = 'rejected'), 0)::BIGINT AS rejected,
           coalesce(sum(n) FILTER (stage = 'judge'), 0)::BIGINT AS judged,
           coalesce(sum(n) FILTER (stage = 'reused'), 0)::BIGINT AS reused,
           coalesce(sum(lately) FILTER (status = 'verdict'), 0)::BIGINT AS lately,
           min(first_judged) FILTER (status = 'verdict') AS first_verdict,
           max(last_judged) FILTER (status = 'verdict') AS last_verdict,
           coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
           coalesce(sum(cached_tokens), 0)::BIGINT AS cached_tokens,
           coalesce(sum(output_tokens), 0)::BIGINT AS output_tokens
    FROM cells
), timed AS (
    SELECT *, epoch($now::TIMESTAMPTZ) - epoch(first_verdict) AS age,
           epoch(CASE WHEN $ended THEN last_verdict ELSE $now::TIMESTAMPTZ END) - epoch(first_verdict) AS seconds
    FROM whole
)
SELECT coalesce((SELECT max(settled) FROM by_policy), 0) AS items, settled, verdicts, rejected, judged, reused,
       lately / least(60, greatest(1, age)) AS per_second_lately,
       CASE WHEN seconds > 0 THEN verdicts / seconds END AS per_second,
       prompt_tokens, cached_tokens, output_tokens,
       coalesce((
           SELECT list({
               'policy_id': policy_id, 'mode': "mode", 'verdicts': verdicts, 'flagged': flagged,
               'share': flagged / nullif(verdicts, 0),
               'low': CASE WHEN verdicts > 0 THEN wilson(flagged, verdicts).low END,
               'high': CASE WHEN verdicts > 0 THEN wilson(flagged, verdicts).high END,
               'unsure': unsure, 'unsure_share': unsure / nullif(verdicts, 0)
           } ORDER BY policy_id, "mode")
           FROM by_policy
       ), []) AS policies,
       coalesce((
           SELECT list({'action': "action", 'verdicts': verdicts} ORDER BY "action") FROM by_action
       ), []) AS actions
FROM timed
