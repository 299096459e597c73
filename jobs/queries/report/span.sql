-- The first and the last UTC day on which anything was decided under these policies, null if nothing was; and every
-- policy under which anything was.
SELECT min(audit_day) FILTER (asked) AS first_day, max(audit_day) FILTER (asked) AS last_day,
       coalesce(list_sort(list(DISTINCT policy_id)), []) AS policies
FROM (SELECT audit_day, policy_id, coalesce(list_contains($policies::VARCHAR[], policy_id), true) AS asked FROM tracks_by_day)
