-- What stood of each case at the end of some days? Of the outcomes of the UTC days (audit_day) `since` to `until`, both
-- included, null leaves that end open: one row per item and policy id, with the columns of `outcomes`, the one that was
-- decided last, whichever version of the policy and whichever judge decided it. With of_each_text one per item and text
-- of a policy. Without days it is `latest_outcomes`.
-- An item is what is at one place: a row of a file, a record of a partition. So two records with one id are two items;
-- and the row of a file that changed and was audited again stands in place of what was there before.
-- Most of a table has one outcome per case and is read as it is. Repeats can only be where two tracks (a shard under one
-- text and judge) of a source and policy overlap: these tracks alone are compared row by row. In a stream none do.
-- Caveats: a rejection that came last stands. Rows past the end of a file that became shorter stay. While an edited
-- policy is being judged anew, its versions stand side by side. An item that was judged in two periods is in both.
CREATE MACRO standing(since := NULL, until := NULL, of_each_text := false) AS TABLE
WITH these AS NOT MATERIALIZED (
    SELECT * FROM outcomes
    WHERE audit_day BETWEEN coalesce(since, '0001-01-01')::DATE AND coalesce(until, '9999-12-31')::DATE
), judged AS (
    SELECT source, "partition", policy_id, CASE WHEN of_each_text THEN policy_hash END AS of_text, shard, policy_hash,
           judge, judge_revision, settings_hash, min(low) AS low, max(high) AS high
    FROM tracks_by_day
    WHERE audit_day BETWEEN coalesce(since, '0001-01-01')::DATE AND coalesce(until, '9999-12-31')::DATE
    GROUP BY ALL
), overlapping AS (
    SELECT DISTINCT source, "partition", policy_id
    FROM (
        SELECT source, "partition", policy_id, low,
               max(high) OVER (
                   PARTITION BY source, "partition", policy_id, of_text ORDER BY low, high
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
               ) AS reached
        FROM judged
    )
    WHERE low <= reached
), superseded AS (
    SELECT source, shard, "position", policy_id, policy_hash, judge, judge_revision, settings_hash
    FROM (SELECT *, partition_of(shard) AS "partition" FROM these)
    SEMI JOIN overlapping USING (source, "partition", policy_id)
    QUALIFY row_number() OVER (
        PARTITION BY source, "partition", "position", policy_id, CASE WHEN of_each_text THEN policy_hash END
        ORDER BY judged_at DESC, policy_hash, judge, judge_revision, settings_hash, shard
    ) > 1
)
SELECT * FROM these
ANTI JOIN superseded USING (source, shard, "position", policy_id, policy_hash, judge, judge_revision, settings_hash)
