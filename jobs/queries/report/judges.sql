-- Which judges decided in a period, the one with most cases first: each with its revision, how many settings it had,
-- and its cases.
SELECT judge, judge_revision, count(DISTINCT settings_hash) AS settings, count(*) AS cases
FROM standing(since := $since, until := $until)
WHERE coalesce(list_contains($policies::VARCHAR[], policy_id), true)
GROUP BY judge, judge_revision
ORDER BY cases DESC, judge, judge_revision
