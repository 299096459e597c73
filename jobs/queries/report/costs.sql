-- What a period took: one row per policy with its cases (shadow ones, rejections and those judged again too), how many
-- the judge was asked for and how many were reused, tokens, GPU hours and cost; and what reuse saved, in tokens and
-- money. GPU time is shared out over a run's policies and days as its cost is (see the view `costs`), savings by reused
-- cases. Hours and cost are null while no run has ended; saved cost is an estimate at the run's own cost per token.
WITH shares AS (
    SELECT *, coalesce(reused / nullif(sum(reused) OVER (PARTITION BY run_id), 0), 0) AS of_reused FROM costs
)
SELECT policy_id, sum(cases)::BIGINT AS cases, sum(judged)::BIGINT AS judged, sum(reused)::BIGINT AS reused,
       sum(prompt_tokens)::BIGINT AS prompt_tokens, sum(cached_tokens)::BIGINT AS cached_tokens,
       sum(output_tokens)::BIGINT AS output_tokens,
       sum(gpu_seconds * of_run) FILTER (ended_at IS NOT NULL) / 3600 AS gpu_hours, sum(cost) AS cost,
       coalesce(round(sum(saved_tokens * of_reused)), 0)::BIGINT AS saved_tokens,
       sum(saved_cost * of_reused) FILTER (ended_at IS NOT NULL) AS saved_cost
FROM shares LEFT JOIN (
    SELECT run_id, ended_at, gpu_seconds, saved_tokens, saved_cost FROM runs
) USING (run_id)
WHERE audit_day BETWEEN $since::DATE AND $until::DATE
  AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
GROUP BY ROLLUP (policy_id)
HAVING count(*) > 0
ORDER BY policy_id NULLS FIRST
