-- Where a period's items came from: of each source (a file, a topic) its items, their cases, and how many of these were
-- rejected; the largest first. An item is what is at one place, so one that is judged under many policies, or again when
-- its file had changed or was cut anew, counts once.
SELECT source, sum(items)::BIGINT AS items, sum(cases)::BIGINT AS cases, sum(rejected)::BIGINT AS rejected
FROM (
    SELECT source, partition_of(shard) AS "partition", count(DISTINCT "position") AS items, count(*) AS cases,
           count(*) FILTER (status = 'rejected') AS rejected
    FROM standing(since := $since, until := $until)
    WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
    GROUP BY ALL
)
GROUP BY source
ORDER BY items DESC, source
