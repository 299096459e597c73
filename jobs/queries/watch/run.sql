-- The latest run of job $job, as it last stood: one row, or none before the first.
SELECT run_id, state, started_at, ended_at, items, cases, skipped, cost, message
FROM runs
WHERE job = $job
ORDER BY started_at DESC, run_id
LIMIT 1
