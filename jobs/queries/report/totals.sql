-- What stood at the end of a period under live policies: how many cases, verdicts and rejections, and how many cases
-- under shadow policies beside them. `policies` counts ids.
SELECT count(*) AS cases, count(*) FILTER (status = 'verdict') AS verdicts, count(*) FILTER (violation) AS flagged,
       count(*) FILTER (status = 'rejected') AS rejected, count(DISTINCT policy_id) AS policies,
       min(judged_at) AS first_judged, max(judged_at) AS last_judged,
       (SELECT count(*) FROM shadow_outcomes
        WHERE audit_day BETWEEN $since::DATE AND $until::DATE
          AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)) AS shadow
FROM standing(since := $since, until := $until)
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
