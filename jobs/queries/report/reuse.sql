-- How reuse stood the test: of the runs that began in a period, how many known cases were judged again all the same,
-- how many of them agreed, and the share with its limits (Wilson, 95 %); null if none was.
SELECT audited, agreed, agreed / nullif(audited, 0) AS share,
       CASE WHEN audited > 0 THEN wilson(agreed, audited).low END AS low,
       CASE WHEN audited > 0 THEN wilson(agreed, audited).high END AS high
FROM (
    SELECT coalesce(sum(audited), 0)::BIGINT AS audited, coalesce(sum(agreed), 0)::BIGINT AS agreed
    FROM runs
    WHERE started_at::DATE BETWEEN $since::DATE AND $until::DATE
)
