-- What past runs did, and how they were configured.
SELECT run_id, job, started_at, policies, judged, seconds, config, judge_revision, settings_hash
FROM runs
