-- How are the scores, P(violation), spread? One row per policy, version and bin that has a verdict: policy_id,
-- policy_version, bin_low, bin_high, verdicts, flagged. A bin holds its lower bound and not its upper; the last one
-- holds 1 too. `bins` are equally wide. For `since`, `until` and `latest` see `decided`.
-- Caveats: verdicts without a score from 0 to 1 are left out: compare with `prevalence`.
CREATE MACRO score_bins(bins := 20, since := NULL, until := NULL, latest := false) AS TABLE
SELECT policy_id, policy_version, bin / bins AS bin_low, (bin + 1) / bins AS bin_high,
       count(*) AS verdicts, count(*) FILTER (violation) AS flagged
FROM (
    SELECT policy_id, policy_version, violation, least(floor(score * bins), bins - 1)::INTEGER AS bin
    FROM decided(since := since, until := until, latest := latest)
    WHERE score BETWEEN 0 AND 1
)
GROUP BY policy_id, policy_version, bin
ORDER BY policy_id, policy_version, bin
