-- How many verdicts each judge came to under each policy, of these texts.
SELECT judge_revision, settings_hash, policy_id, count(*) AS verdicts
FROM verdicts
WHERE stage = 'judge' AND policy_hash IN (SELECT unnest($hashes::VARCHAR[]))
GROUP BY ALL
