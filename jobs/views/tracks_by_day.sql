-- What judged which part of the content on each day? One row per UTC day and track, a shard under one text of a policy
-- and one judge: audit_day, source, partition (a stream's; '' of a file), shard, policy_id, policy_version, policy_hash,
-- judge, judge_revision, settings_hash, cases, verdicts (those of them that are no rejections), the positions of its
-- first and last case, low and high, and when the first was decided, first_judged.
-- Caveats: positions between low and high may have no outcome.
SELECT audit_day, source, partition_of(shard) AS "partition", shard, policy_id, policy_version, policy_hash, judge,
       judge_revision, settings_hash, count(*) AS cases, count(*) FILTER (status = 'verdict') AS verdicts,
       min("position") AS low, max("position") AS high, min(judged_at) AS first_judged
FROM outcomes
GROUP BY ALL
