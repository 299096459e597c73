-- Which rules are broken together? One row per policy, version and pair: policy_id, policy_version, rule_id, other_rule
-- (rule_id comes first in the alphabet), violations that cite both. For `since`, `until` and `latest` see `decided`.
CREATE MACRO rule_pairs(since := NULL, until := NULL, latest := false) AS TABLE
WITH violating AS (
    SELECT policy_id, policy_version, list_distinct(rule_ids) AS rule_ids, count(*) AS n
    FROM decided(since := since, until := until, latest := latest)
    WHERE violation AND len(rule_ids) > 1
    GROUP BY ALL
), cited AS (
    SELECT *, unnest(rule_ids) AS rule_id FROM violating
), paired AS (
    SELECT *, unnest(rule_ids) AS other_rule FROM cited
)
SELECT policy_id, policy_version, rule_id, other_rule, sum(n)::BIGINT AS violations
FROM paired
WHERE rule_id < other_rule
GROUP BY ALL
ORDER BY policy_id, policy_version, violations DESC, rule_id, other_rule
