-- Which items do two versions of a policy, or two judges, see differently? By policy at most $most items that have a
-- verdict in the period and an earlier one, of another text or judge, that says the opposite; `rank` 1 first: the later
-- verdict's severity or the earlier one's, whichever is graver, then by how far the scores are apart.
-- Only shards that two of them have judged are compared row by row, with numbers for what judged what, since rows are
-- many and hashes long; texts are read of what is shown alone.
WITH recent AS (
    SELECT DISTINCT source, shard, policy_id
    FROM tracks_by_day
    WHERE verdicts > 0 AND audit_day BETWEEN $since::DATE AND $until::DATE
      AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
), several AS MATERIALIZED (
    SELECT source, shard, policy_id, policy_hash, judge, judge_revision, settings_hash, row_number() OVER () AS track,
           dense_rank() OVER (ORDER BY source, shard, policy_id) AS lane
    FROM (
        SELECT DISTINCT source, shard, policy_id, policy_hash, judge, judge_revision, settings_hash
        FROM tracks_by_day SEMI JOIN recent USING (source, shard, policy_id)
        WHERE verdicts > 0
    )
    QUALIFY count(*) OVER (PARTITION BY source, shard, policy_id) > 1
), both_said AS (
    SELECT lane, track, "position", judged_at, audit_day BETWEEN $since::DATE AND $until::DATE AS in_period, violation,
           severity, score
    FROM verdicts AS v JOIN several AS t USING (source, shard, policy_id, policy_hash)
    WHERE v.judge IS NOT DISTINCT FROM t.judge AND v.judge_revision IS NOT DISTINCT FROM t.judge_revision
      AND v.settings_hash IS NOT DISTINCT FROM t.settings_hash
), pairs AS (
    SELECT lane, "position", now.track AS track, earlier.track AS before_track, now.score AS score,
           earlier.score AS before_score, greatest(now.severity, earlier.severity) AS gravest
    FROM both_said AS now JOIN both_said AS earlier USING (lane, "position")
    WHERE now.violation <> earlier.violation AND earlier.judged_at < now.judged_at AND now.in_period
    QUALIFY row_number() OVER (
        PARTITION BY lane, "position" ORDER BY now.judged_at DESC, earlier.judged_at DESC
    ) = 1
), ranked AS (
    SELECT source, shard, "position", policy_id, track, before_track, row_number() OVER (
               PARTITION BY policy_id
               ORDER BY gravest DESC, abs(score - before_score) DESC NULLS LAST, source, shard, "position"
           ) AS rank
    FROM pairs JOIN several USING (lane, track)
    QUALIFY rank <= $most
), told AS (
    SELECT v.*, track
    FROM verdicts AS v SEMI JOIN ranked USING (source, shard, "position", policy_id)
    JOIN several AS t USING (source, shard, policy_id, policy_hash)
    WHERE v.judge IS NOT DISTINCT FROM t.judge AND v.judge_revision IS NOT DISTINCT FROM t.judge_revision
      AND v.settings_hash IS NOT DISTINCT FROM t.settings_hash
)
SELECT 'differs' AS kind, rank, 1 AS copies, policy_id, now.policy_version, now.policy_hash, now.item_id, now.item_time,
       now.rule_ids, now.severity, now."action", now.confidence, now.score, now.violation, now.rationale, now.judge,
       now.judged_at, source, shard, "position", now.content_hash, earlier.policy_version AS before_version,
       earlier.judge AS before_judge, earlier.violation AS before_violation, earlier.rule_ids AS before_rule_ids,
       earlier.score AS before_score, earlier.rationale AS before_rationale
FROM ranked JOIN told AS now USING (source, shard, "position", policy_id, track)
JOIN told AS earlier USING (source, shard, "position", policy_id)
WHERE earlier.track = before_track
ORDER BY policy_id, rank
