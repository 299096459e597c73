-- How do the versions of a policy compare? One row per policy, text and judge: policy_id, policy_version, policy_hash,
-- judge, judge_revision, settings_hash, first_judged, last_judged, verdicts, flagged, rate, low and high (Wilson, 95 %),
-- rejected.
-- Caveats: versions that judged different items differ for that reason alone: `version_pairs` compares the same ones.
SELECT policy_id, policy_version, policy_hash, judge, judge_revision, settings_hash, first_judged, last_judged,
       verdicts, flagged, flagged / nullif(verdicts, 0) AS rate, wilson(flagged, verdicts).low AS low,
       wilson(flagged, verdicts).high AS high, rejected
FROM (
    SELECT policy_id, policy_version, policy_hash, judge, judge_revision, settings_hash,
           min(judged_at) AS first_judged, max(judged_at) AS last_judged,
           count(*) FILTER (status = 'verdict') AS verdicts, count(*) FILTER (violation) AS flagged,
           count(*) FILTER (status = 'rejected') AS rejected
    FROM outcomes
    GROUP BY ALL
)
ORDER BY policy_id, first_judged, policy_hash, judge_revision, settings_hash
