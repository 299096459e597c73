-- How often is each policy broken, by a carried column (market, surface, language)? One row per policy, version and
-- value: policy_id, policy_version, value (null for items without it), verdicts, flagged, rejected, rate, low and high
-- (Wilson, 95 %). `carried_key` is the name of the column. For `since`, `until` and `latest` see `decided`.
-- Caveats: as of `prevalence`; and among many values some differ by chance alone.
CREATE MACRO prevalence_by(carried_key, since := NULL, until := NULL, latest := false) AS TABLE
SELECT policy_id, policy_version, value, verdicts, flagged, rejected, flagged / nullif(verdicts, 0) AS rate,
       wilson(flagged, verdicts).low AS low, wilson(flagged, verdicts).high AS high
FROM (
    SELECT policy_id, policy_version, carried[carried_key] AS value,
           count(*) FILTER (status = 'verdict') AS verdicts, count(*) FILTER (violation) AS flagged,
           count(*) FILTER (status = 'rejected') AS rejected
    FROM decided(since := since, until := until, latest := latest)
    GROUP BY ALL
)
ORDER BY policy_id, policy_version, value
