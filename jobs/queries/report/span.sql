-- The first and the last UTC day on which anything was decided under these policies; null if nothing was.
SELECT min(audit_day) AS first_day, max(audit_day) AS last_day
FROM outcomes
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
