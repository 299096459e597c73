-- Does what went in come out? One row per run that began in a period or wrote rows in it, the latest first: what the
-- run says of itself (cases, verdicts, rejected, skipped: settled by earlier runs), what it left open, and how many
-- rows of it the table holds over all days. `balances`: cases = verdicts + rejected + skipped, and the table has each
-- outcome. It is null of a run that has not ended, or was stopped. `made_up`: a later run of the job came to its end, so
-- that what this one left open, if it was killed, stopped or failed, is settled. Runs cover all policies, shadow ones
-- too.
WITH written AS (
    SELECT run_id, count(*) AS in_table,
           count(*) FILTER (audit_day BETWEEN $since::DATE AND $until::DATE) AS in_period
    FROM outcome_rows
    GROUP BY run_id
), followed AS (
    SELECT *, coalesce(started_at < max(started_at) FILTER (state = 'done') OVER (PARTITION BY job), false) AS made_up
    FROM runs
)
SELECT run_id, job, state, started_at, ended_at, cases, verdicts, rejected, skipped,
       CASE WHEN ended_at IS NOT NULL THEN cases - verdicts - rejected - skipped END AS left_open,
       coalesce(in_table, 0) AS in_table, message,
       CASE state
           WHEN 'done' THEN cases = verdicts + rejected + skipped AND coalesce(in_table, 0) = verdicts + rejected
           WHEN 'failed' THEN false
       END AS balances, made_up
FROM followed LEFT JOIN written USING (run_id)
WHERE in_period > 0 OR started_at::DATE BETWEEN $since::DATE AND $until::DATE
ORDER BY started_at DESC, run_id
