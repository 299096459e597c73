-- Which rules are broken? One row per policy, version and rule that a violation cites: policy_id, policy_version,
-- rule_id, cited, alone (as the only rule), together (with others), share of the version's violations that cite it, low
-- and high (Wilson, 95 %). For `since`, `until` and `latest` see `decided`.
-- Caveats: shares add up to more than 1 where rules are cited together; a rule that is never cited has no row.
CREATE MACRO rule_citations(since := NULL, until := NULL, latest := false) AS TABLE
WITH violating AS (
    SELECT policy_id, policy_version, list_distinct(rule_ids) AS rule_ids, count(*) AS n
    FROM decided(since := since, until := until, latest := latest)
    WHERE violation
    GROUP BY ALL
), totals AS (
    SELECT policy_id, policy_version, sum(n)::BIGINT AS flagged FROM violating GROUP BY ALL
), cited AS (
    SELECT policy_id, policy_version, unnest(rule_ids) AS rule_id, len(rule_ids) = 1 AS single, n FROM violating
)
SELECT policy_id, policy_version, rule_id, sum(n)::BIGINT AS cited,
       coalesce(sum(n) FILTER (single), 0)::BIGINT AS alone, coalesce(sum(n) FILTER (NOT single), 0)::BIGINT AS together,
       sum(n) / any_value(flagged) AS share,
       wilson(sum(n)::BIGINT, any_value(flagged)).low AS low, wilson(sum(n)::BIGINT, any_value(flagged)).high AS high
FROM cited JOIN totals USING (policy_id, policy_version)
GROUP BY policy_id, policy_version, rule_id
ORDER BY policy_id, policy_version, cited DESC, rule_id
