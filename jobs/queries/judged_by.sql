-- How many verdicts each judge came to under each policy, live or shadow, of these texts.
SELECT judge_revision, settings_hash, policy_id, count(*) AS verdicts
FROM outcome_rows
WHERE status = 'verdict' AND stage = 'judge' AND policy_hash IN (SELECT unnest($hashes::VARCHAR[]))
GROUP BY ALL
