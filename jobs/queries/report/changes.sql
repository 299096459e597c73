-- What moved: `drift` with the limits (Wilson, 95 %) of both rates; what moved for certain first, then by how much.
-- p_holm is for all policies of the table, whichever are asked for.
SELECT policy_id, verdicts_before, flagged_before, rate_before,
       CASE WHEN verdicts_before > 0 THEN wilson(flagged_before, verdicts_before).low END AS rate_before_low,
       CASE WHEN verdicts_before > 0 THEN wilson(flagged_before, verdicts_before).high END AS rate_before_high,
       verdicts, flagged, rate, CASE WHEN verdicts > 0 THEN wilson(flagged, verdicts).low END AS rate_low,
       CASE WHEN verdicts > 0 THEN wilson(flagged, verdicts).high END AS rate_high,
       change, low AS change_low, high AS change_high, p, p_holm, moved
FROM drift($since, $until, $since_before, $until_before)
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
ORDER BY moved DESC, abs(change) DESC NULLS LAST, policy_id
