-- How many cases a judge decided under each policy, live or shadow, and the tokens that it wrote for them.
SELECT policy_id, count(*) AS cases, sum(output_tokens)::BIGINT AS output_tokens
FROM outcome_rows
WHERE status <> 'forgotten' AND stage = 'judge' AND judge_revision = $revision AND settings_hash = $settings
GROUP BY policy_id
