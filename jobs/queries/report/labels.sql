-- How often the judge was right, where people labelled: `label_agreement` of the policies asked for. Over all days: of
-- an item that was judged often, the last verdict counts.
FROM label_agreement
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
ORDER BY policy_id
