-- How fresh is each partition? One row per topic (source) and partition (shard): source, shard, cases, next_offset (one
-- past the last that has an outcome), newest_item (the latest time of a record), last_judged, age_seconds since then,
-- p50_delay_seconds, p99_delay_seconds: from a record's own time to its verdict; last_commit, when the table was last
-- written, and commit_age_seconds since then.
-- Caveats: only streams. The table does not know where a topic ends: what `assay stream` shows as lag, the records that
-- are not judged yet, needs the broker. A partition to which nothing comes has a high age and no lag. The row of
-- last_judged was committed up to `sink.flush_seconds` later. The last commit is of the whole table, whatever it wrote.
SELECT source, shard, count(*) AS cases, max("position") + 1 AS next_offset, max(item_time) AS newest_item,
       max(judged_at) AS last_judged, epoch(now()) - epoch(max(judged_at)) AS age_seconds,
       quantile_cont(epoch(judged_at) - epoch(item_time), 0.5) AS p50_delay_seconds,
       quantile_cont(epoch(judged_at) - epoch(item_time), 0.99) AS p99_delay_seconds,
       any_value(committed_at) AS last_commit, epoch(now()) - epoch(any_value(committed_at)) AS commit_age_seconds
FROM outcomes CROSS JOIN commit_rows
WHERE partition_of(shard) <> ''
GROUP BY source, shard
ORDER BY source, shard::BIGINT
