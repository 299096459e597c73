-- Each policy's rate over time, all versions together, of what stood at the end of each period; with its limits (Wilson,
-- 95 %). A bucket that a period begins or ends in holds that period's days alone, and begins with it.
SELECT policy_id, is_now, bucket, verdicts, flagged, flagged / verdicts AS rate, wilson(flagged, verdicts).low AS low,
       wilson(flagged, verdicts).high AS high
FROM (
    SELECT policy_id, is_now, greatest(bucket_of(judged_at, $every), begins) AS bucket, count(*) AS verdicts,
           count(*) FILTER (violation) AS flagged
    FROM (
        SELECT *, (CASE WHEN is_now THEN $since::DATE ELSE $since_before::DATE END)::TIMESTAMP AS begins
        FROM compared($since, $until, $since_before, $until_before)
    )
    WHERE status = 'verdict' AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
)
ORDER BY policy_id, bucket
