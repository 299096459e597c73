-- What people said of each labelled item, what the judge said (null: rejected), and for how many items it stands; beside
-- it how many items of the policy have a verdict that stands, and how many of these are flagged. An item is an id here, as
-- in what `to_label` draws from: of several places that have it the one decided last counts.
SELECT policy_id, "label", labelled.violation, weight, items, flagged
FROM labelled JOIN (
    SELECT policy_id, count(*) AS items, count(*) FILTER (violation) AS flagged
    FROM (
        SELECT policy_id, item_id, arg_max(violation, judged_at) AS violation
        FROM latest_verdicts
        WHERE item_id IS NOT NULL
        GROUP BY ALL
    )
    GROUP BY policy_id
) USING (policy_id)
ORDER BY policy_id, item_id
