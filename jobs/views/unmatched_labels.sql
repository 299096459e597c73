-- Which labels count for nothing? One row per label, unless unknown, of an item and policy that `labelled` has no row
-- for: item_id, policy_id, label, who, when, content_hash, other_content (true: the item was decided under the policy,
-- with other content than what was labelled; false: it never was).
-- Caveats: a label that a later one of the same content overrules is not among them. Under shadow policies nothing is
-- labelled.
SELECT item_id, policy_id, "label", who, "when", content_hash, decided.item_id IS NOT NULL AS other_content
FROM (FROM labels ANTI JOIN labelled USING (item_id, policy_id) WHERE "label" IS NOT NULL) AS unmatched
LEFT JOIN (SELECT DISTINCT item_id, policy_id FROM outcomes SEMI JOIN labels USING (item_id, policy_id)) AS decided
USING (item_id, policy_id)
ORDER BY policy_id, item_id, "when" NULLS LAST, who
