-- Which cases of a period should a person look at first? Of the verdicts that stood at its end, by policy at most $most
-- of each kind, `rank` 1 first:
--   risk     violations, the gravest first, then by score
--   unsure   scores nearest to 0.5, none further away than 0.25; of verdicts without a score those of low confidence
-- Of cases with the same content the one that comes first by its place is taken; `copies` says how many there are.
-- Caveats: copies are told apart from others among the 1,000 most urgent, and those as urgent as the last of these. If
-- one content is most of them, fewer than $most cases may be named.
WITH stands AS (
    SELECT policy_id, policy_hash, judge, judge_revision, settings_hash, source, shard, "position",
           coalesce(content_hash, '') AS content, violation, severity, score,
           coalesce(score BETWEEN 0.25 AND 0.75, confidence = 'low') AS unsure
    FROM standing(since := $since, until := $until)
    WHERE status = 'verdict' AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
      AND (violation OR unsure)
), kinds AS (
    SELECT 'risk' AS kind, *, severity + coalesce(score, 0.5) / 2 AS urgency FROM stands WHERE violation
    UNION ALL
    SELECT 'unsure', *, coalesce(-abs(score - 0.5), -0.2) FROM stands WHERE unsure
), floors AS (
    SELECT kind, policy_id, list_min(max(urgency, 1000)) AS least FROM kinds GROUP BY kind, policy_id
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY kind, policy_id ORDER BY urgency DESC, source, shard, "position") AS rank
    FROM (
        SELECT kinds.* FROM kinds JOIN floors USING (kind, policy_id) WHERE urgency >= least
        QUALIFY row_number() OVER (
            PARTITION BY kind, policy_id, content ORDER BY urgency DESC, source, shard, "position"
        ) = 1
    )
    QUALIFY rank <= $most
), counted AS (
    SELECT kind, policy_id, content, count(*) AS copies
    FROM kinds SEMI JOIN ranked USING (kind, policy_id, content)
    GROUP BY ALL
)
SELECT kind, rank, copies, policy_id, policy_version, policy_hash, item_id, item_time, rule_ids, o.severity, "action",
       o.confidence, o.score, o.violation, rationale, judge, judged_at, source, shard, "position", content_hash
FROM ranked JOIN counted USING (kind, policy_id, content)
JOIN decided(since := $since, until := $until) AS o
USING (policy_id, policy_hash, judge, judge_revision, settings_hash, source, shard, "position")
ORDER BY policy_id, kind, rank
