-- How often is each policy broken, over time? One row per policy, version and bucket: policy_id, policy_version, bucket
-- (its beginning; null for every := 'all'), verdicts, flagged, rejected, rate = flagged / verdicts, low and high
-- (Wilson, 95 %). A bucket without outcomes has no row.
-- `every`: hour, day, week, month, quarter, year or all. The time is that of the verdict, or with by_item_time the
-- item's own (then bucket is null for items without one). For `since`, `until` and `latest` see `decided`.
-- Caveats: rejected cases are in no rate; content that comes many times counts each time, and then the interval, which
-- takes items to be independent, is too narrow. The rate is the judge's: how far to trust it says `label_agreement`.
CREATE MACRO prevalence(every := 'day', by_item_time := false, since := NULL, until := NULL, latest := false) AS TABLE
SELECT policy_id, policy_version, bucket, verdicts, flagged, rejected, flagged / nullif(verdicts, 0) AS rate,
       wilson(flagged, verdicts).low AS low, wilson(flagged, verdicts).high AS high
FROM (
    SELECT policy_id, policy_version,
           bucket_of(CASE WHEN by_item_time THEN item_time ELSE judged_at END, every) AS bucket,
           count_if(status = 'verdict')::BIGINT AS verdicts, coalesce(count_if(violation), 0)::BIGINT AS flagged,
           count_if(status = 'rejected')::BIGINT AS rejected
    FROM decided(since := since, until := until, latest := latest)
    GROUP BY ALL
)
ORDER BY policy_id, policy_version, bucket
