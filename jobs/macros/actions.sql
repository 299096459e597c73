-- What do the policies ask to be done? One row per policy, version, action and severity: policy_id, policy_version,
-- action, severity, verdicts, share of the version's verdicts, low and high (Wilson, 95 %). For `since`, `until` and
-- `latest` see `decided`.
-- Caveats: what was asked for; whether anybody did it, the table does not know.
CREATE MACRO actions(since := NULL, until := NULL, latest := false) AS TABLE
WITH counted AS (
    SELECT policy_id, policy_version, "action", severity, count(*) AS n
    FROM decided(since := since, until := until, latest := latest)
    WHERE status = 'verdict'
    GROUP BY ALL
), shared AS (
    SELECT *, (sum(n) OVER (PARTITION BY policy_id, policy_version))::BIGINT AS total FROM counted
)
SELECT policy_id, policy_version, "action", severity, n AS verdicts, n / total AS share,
       wilson(n, total).low AS low, wilson(n, total).high AS high
FROM shared
ORDER BY policy_id, policy_version, severity DESC, "action"
