-- How long does the judge take? One row per policy and bucket: policy_id, bucket (null for every := 'all'), judged, and
-- in milliseconds from admission to answer p50_ms, p90_ms, p99_ms and max_ms, interpolated between neighbours. `every`
-- as in `prevalence`. For `since` and `until` see `decided`.
-- Caveats: cases that the judge was not asked are left out. It includes waiting in the engine's queue: it says how
-- loaded the engine was, not how slow it is.
CREATE MACRO latencies(every := 'all', since := NULL, until := NULL) AS TABLE
SELECT policy_id, bucket, judged, points[1] AS p50_ms, points[2] AS p90_ms, points[3] AS p99_ms, points[4] AS max_ms
FROM (
    SELECT policy_id, bucket_of(judged_at, every) AS bucket, count(*) AS judged,
           quantile_cont(latency_ms, [0.5, 0.9, 0.99, 1]) AS points
    FROM decided(since := since, until := until)
    WHERE stage = 'judge'
    GROUP BY ALL
)
ORDER BY policy_id, bucket
