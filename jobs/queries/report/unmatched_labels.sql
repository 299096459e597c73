-- How many labels of the policies asked for count for nothing, `unmatched_labels`, and of these how many are of other
-- content than what was decided. A label of a policy that nothing was ever decided under counts too, as its id may be
-- mistyped. One row.
SELECT count(*) AS labels, count(*) FILTER (other_content) AS other_content
FROM unmatched_labels
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
