-- How often is each policy broken, over time? One row per policy, version and bucket: policy_id, policy_version, bucket
-- (its beginning; null for every := 'all'), verdicts, flagged, rejected, rate = flagged / verdicts, low and high
-- (Wilson, 95 %). A bucket without outcomes has no row.
-- `every`: hour, day, week, month, quarter, year or all. The time is that of the verdict, or with by_item_time the
-- item's own (then bucket is null for items without one). For `since`, `until` and `latest` see `decided`.
-- Caveats: rejected cases are in no rate; content that comes many times counts each time, and then the interval, which
-- takes items to be independent, is too narrow. The rate is the judge's: how far to trust it says `label_agreement`.
-- A text's hash stands for its id and version, and is quicker to group by than both; so is no bucket than a null one.
-- Rows that another program wrote without a hash are counted together, whatever their version.
CREATE MACRO prevalence(every := 'day', by_item_time := false, since := NULL, until := NULL, latest := false) AS TABLE
WITH counted AS (
    SELECT any_value(policy_id) AS policy_id, any_value(policy_version) AS policy_version, NULL::TIMESTAMP AS bucket,
           count(*) AS outcomes, count(violation) AS verdicts, count_if(violation) AS flagged
    FROM decided(since := since, until := until, latest := latest)
    WHERE every = 'all'
    GROUP BY coalesce(policy_hash, policy_id)
    UNION ALL
    SELECT any_value(policy_id), any_value(policy_version),
           bucket_of(CASE WHEN by_item_time THEN item_time ELSE judged_at END, every) AS bucket,
           count(*), count(violation), count_if(violation)
    FROM decided(since := since, until := until, latest := latest)
    WHERE every <> 'all'
    GROUP BY coalesce(policy_hash, policy_id), bucket
), summed AS (
    SELECT policy_id, policy_version, bucket, sum(verdicts)::BIGINT AS verdicts,
           coalesce(sum(flagged), 0)::BIGINT AS flagged, sum(outcomes - verdicts)::BIGINT AS rejected
    FROM counted
    GROUP BY ALL
)
SELECT policy_id, policy_version, bucket, verdicts, flagged, rejected, flagged / nullif(verdicts, 0) AS rate,
       wilson(flagged, verdicts).low AS low, wilson(flagged, verdicts).high AS high
FROM summed
ORDER BY policy_id, policy_version, bucket
