-- A job's runs with their judges, the latest first.
SELECT judge, judge_revision, settings_hash, config, policies
FROM runs
WHERE job = $job
ORDER BY started_at DESC
