-- Tokens by UTC day: read and written by the judge, and how many of those read came from its cache; with the cost.
SELECT audit_day AS day, sum(prompt_tokens)::BIGINT AS prompt_tokens, sum(cached_tokens)::BIGINT AS cached_tokens,
       sum(output_tokens)::BIGINT AS output_tokens, sum(cost) AS cost
FROM costs
WHERE audit_day BETWEEN $since::DATE AND $until::DATE
  AND coalesce(list_contains($policies::VARCHAR[], policy_id), true)
GROUP BY audit_day
ORDER BY audit_day
