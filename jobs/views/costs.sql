-- What did it take? One row per run, policy and UTC day: run_id, job, policy_id, audit_day, cases, judged, reused,
-- prompt_tokens, cached_tokens, output_tokens, cost: the run's, shared out by tokens read and written; and of_run, the
-- share of the run that this is.
-- It counts all rows: those of shadow policies and those that were forgotten took their tokens too.
-- Caveats: cost is null until a run has ended, and 0 if `cost.gpu_hour` is not set; of a run that took no tokens it is
-- shared out by cases. A cached token counts like any other, though it is cheaper.
WITH taken AS (
    SELECT run_id, policy_id, audit_day, count(*) AS cases, count(*) FILTER (stage = 'judge') AS judged,
           count(*) FILTER (stage = 'reused') AS reused, sum(prompt_tokens)::BIGINT AS prompt_tokens,
           sum(cached_tokens)::BIGINT AS cached_tokens, sum(output_tokens)::BIGINT AS output_tokens
    FROM outcome_rows
    GROUP BY ALL
), shared AS (
    SELECT *, coalesce((prompt_tokens + output_tokens) / nullif(sum(prompt_tokens + output_tokens) OVER whole, 0),
                       cases / sum(cases) OVER whole) AS of_run
    FROM taken
    WINDOW whole AS (PARTITION BY run_id)
)
SELECT run_id, job, policy_id, audit_day, cases, judged, reused, prompt_tokens, cached_tokens, output_tokens,
       CASE WHEN ended_at IS NOT NULL THEN run_cost * of_run END AS cost, of_run
FROM shared LEFT JOIN (SELECT run_id, job, ended_at, cost AS run_cost FROM runs) USING (run_id)
ORDER BY audit_day, run_id, policy_id
