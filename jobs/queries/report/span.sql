-- The first and the last UTC day on which anything was decided under these policies, and those of them under which
-- anything was; null if nothing was.
SELECT min(audit_day) AS first_day, max(audit_day) AS last_day, list_sort(list(DISTINCT policy_id)) AS policies
FROM outcomes
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
