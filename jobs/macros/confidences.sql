-- How sure is the judge, in its own word? One row per policy, version and confidence: policy_id, policy_version,
-- confidence, verdicts, flagged, share of the version's verdicts, low and high (Wilson, 95 %). For `since`, `until` and
-- `latest` see `decided`.
-- Caveats: a word is not a probability; `label_agreement` says how often the judge is right.
CREATE MACRO confidences(since := NULL, until := NULL, latest := false) AS TABLE
WITH counted AS (
    SELECT policy_id, policy_version, confidence, count(*) AS n, count(*) FILTER (violation) AS flagged
    FROM decided(since := since, until := until, latest := latest)
    WHERE status = 'verdict'
    GROUP BY ALL
), shared AS (
    SELECT *, (sum(n) OVER (PARTITION BY policy_id, policy_version))::BIGINT AS total FROM counted
)
SELECT policy_id, policy_version, confidence, n AS verdicts, flagged, n / total AS share,
       wilson(n, total).low AS low, wilson(n, total).high AS high
FROM shared
ORDER BY policy_id, policy_version, CASE confidence WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END
