-- How often the judge was unsure: of each policy's verdicts those of low confidence, those that the policy's own words
-- escalate, and those that are either (`unsure`), with their share and its limits (Wilson, 95 %).
SELECT policy_id, verdicts, low_confidence, escalated, unsure, unsure / verdicts AS share,
       wilson(unsure, verdicts).low AS low, wilson(unsure, verdicts).high AS high
FROM (
    SELECT policy_id, count(*) AS verdicts, count(*) FILTER (confidence = 'low') AS low_confidence,
           count(*) FILTER ("action" = 'escalate') AS escalated,
           count(*) FILTER (confidence = 'low' OR "action" = 'escalate') AS unsure
    FROM standing(since := $since, until := $until)
    WHERE status = 'verdict' AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY policy_id
)
ORDER BY policy_id
