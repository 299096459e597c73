-- Which texts of the policies decided in a period, and what each flagged: one row per text, the oldest first. Of what one
-- text decided often, by other judges, the last verdict counts; an item that two texts decided counts under each.
SELECT policy_id, policy_version, policy_hash, verdicts, flagged, rejected,
       flagged / nullif(verdicts, 0) AS rate, wilson(flagged, verdicts).low AS low,
       wilson(flagged, verdicts).high AS high, first_judged, last_judged
FROM (
    SELECT policy_id, policy_version, policy_hash, count(*) FILTER (status = 'verdict') AS verdicts,
           count(*) FILTER (violation) AS flagged, count(*) FILTER (status = 'rejected') AS rejected,
           min(judged_at) AS first_judged, max(judged_at) AS last_judged
    FROM standing(since := $since, until := $until, of_each_text := true)
    WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
)
ORDER BY policy_id, first_judged, policy_hash
