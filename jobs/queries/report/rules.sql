-- Which rules a policy's violations cite, all versions together, of what stood at the end of a period: the most cited
-- first, alone or together with others, with the share of violations that cite the rule and its limits (Wilson, 95 %).
-- Shares may add up to more than 1.
WITH violating AS (
    SELECT policy_id, list_distinct(rule_ids) AS rule_ids, count(*) AS n
    FROM standing(since := $since, until := $until)
    WHERE violation AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
), cited AS (
    SELECT policy_id, unnest(rule_ids) AS rule_id, len(rule_ids) = 1 AS single, n FROM violating
), counted AS (
    SELECT policy_id, rule_id, sum(n)::BIGINT AS cited, coalesce(sum(n) FILTER (single), 0)::BIGINT AS alone,
           coalesce(sum(n) FILTER (NOT single), 0)::BIGINT AS together
    FROM cited
    GROUP BY policy_id, rule_id
), flagging AS (
    SELECT policy_id, sum(n)::BIGINT AS flagged FROM violating GROUP BY policy_id
)
SELECT policy_id, rule_id, cited, alone, together, flagged, cited / flagged AS share,
       wilson(cited, flagged).low AS low, wilson(cited, flagged).high AS high
FROM counted JOIN flagging USING (policy_id)
ORDER BY policy_id, cited DESC, rule_id
