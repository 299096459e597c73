-- How fresh is each partition that run $run has outcomes of? The one whose newest record is oldest comes first: source,
-- shard, cases, next_offset (one past the last with an outcome), newest_item (a record's latest time) and last_judged.
-- Rows of the UTC days since $first_day. `stream_ages` says it for all runs.
-- Caveats: as for `stream_ages`: where a topic ends, the table does not know.
SELECT source, shard, count(*) AS cases, max("position") + 1 AS next_offset, max(item_time) AS newest_item,
       max(judged_at) AS last_judged
FROM outcomes
WHERE run_id = $run AND audit_day >= $first_day::DATE
GROUP BY source, shard
ORDER BY newest_item NULLS LAST, source, try_cast(shard AS BIGINT), shard
