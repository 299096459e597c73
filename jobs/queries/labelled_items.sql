-- What people said of each labelled item, what the judge said (null: rejected), and for how many items it stands; beside
-- it how many items of the policy have a verdict that stands, and how many of these are flagged. An item is an id here, as
-- in what `to_label` draws from: of several places that have it the one decided last counts.
-- Nearly all ids are at one place, and there one verdict of a policy stands: only ids at several are told apart row by
-- row, or all, if other programs wrote rows that don't say what judged them. Places are compared by their hashes.
WITH stands AS NOT MATERIALIZED (
    SELECT policy_id, item_id, violation, judged_at, hash(source, shard, "position") AS place
    FROM latest_verdicts
    WHERE item_id IS NOT NULL
), scattered AS (
    SELECT item_id FROM stands GROUP BY item_id
    HAVING min(place) < max(place) OR (
        SELECT count(*) FROM tracks_by_day
        WHERE policy_hash IS NULL OR judge IS NULL OR judge_revision IS NULL OR settings_hash IS NULL OR shard IS NULL
              OR source IS NULL
    ) > 0
), counted AS (
    SELECT policy_id, count(*) AS items, count(*) FILTER (violation) AS flagged
    FROM stands ANTI JOIN scattered USING (item_id)
    GROUP BY policy_id
    UNION ALL
    SELECT policy_id, count(*), count(*) FILTER (violation)
    FROM (
        SELECT policy_id, item_id, arg_max(violation, judged_at) AS violation
        FROM stands SEMI JOIN scattered USING (item_id)
        GROUP BY policy_id, item_id
    )
    GROUP BY policy_id
), summed AS (
    SELECT policy_id, sum(items)::BIGINT AS items, sum(flagged)::BIGINT AS flagged FROM counted GROUP BY policy_id
)
SELECT policy_id, "label", labelled.violation, weight, items, flagged
FROM labelled JOIN summed USING (policy_id)
ORDER BY policy_id, item_id
