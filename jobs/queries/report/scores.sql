-- How the scores of what stood at the end of a period are spread, all versions together: 20 bins as in `score_bins`.
SELECT policy_id, bin / 20 AS bin_low, (bin + 1) / 20 AS bin_high, verdicts, flagged
FROM (
    SELECT policy_id, least(floor(score * 20), 19)::INTEGER AS bin, count(*) AS verdicts,
           count(*) FILTER (violation) AS flagged
    FROM standing(since := $since, until := $until)
    WHERE score BETWEEN 0 AND 1 AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
)
ORDER BY policy_id, bin
