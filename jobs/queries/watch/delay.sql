-- How long is it from a record's own time to its outcome, of what run $run decided in the minute before $now? One row:
-- cases whose record has a time, p50_seconds and p99_seconds, null of none. Reads the rows of that minute.
SELECT count(*) AS cases, quantile_cont(epoch(judged_at) - epoch(item_time), 0.5) AS p50_seconds,
       quantile_cont(epoch(judged_at) - epoch(item_time), 0.99) AS p99_seconds
FROM outcomes
WHERE run_id = $run AND item_time IS NOT NULL AND judged_at > $now::TIMESTAMPTZ - INTERVAL 1 MINUTE
  AND audit_day >= ($now::TIMESTAMPTZ - INTERVAL 1 MINUTE)::DATE
