-- What each policy asked to be done in a period, the gravest first: of each severity and action the violations, and
-- their share of the policy's violations with its limits (Wilson, 95 %). Verdicts that flag nothing have no row.
WITH counted AS (
    SELECT policy_id, severity, "action", count(*) AS verdicts
    FROM standing(since := $since, until := $until)
    WHERE violation AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
), shared AS (
    SELECT *, (sum(verdicts) OVER (PARTITION BY policy_id))::BIGINT AS flagged FROM counted
)
SELECT policy_id, severity, "action", verdicts, flagged, verdicts / flagged AS share,
       wilson(verdicts, flagged).low AS low, wilson(verdicts, flagged).high AS high
FROM shared
ORDER BY policy_id, severity DESC, "action"
