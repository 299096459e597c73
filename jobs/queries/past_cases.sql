-- How many cases a judge decided under each policy, and the tokens that it wrote for them.
SELECT policy_id, count(*) AS cases, sum(output_tokens)::BIGINT AS output_tokens
FROM outcomes
WHERE stage = 'judge' AND judge_revision = $revision AND settings_hash = $settings
GROUP BY policy_id
