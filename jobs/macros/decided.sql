-- The outcomes of the UTC days (audit_day) `since` to `until`, both included; null leaves that end open. What the other
-- macros are made of, with the columns of `outcomes`.
-- With `latest` only what still stands (`latest_outcomes`): without it an item that was judged again, under another
-- version or by another judge, is there each time. What stood at the end of these days says `standing`.
CREATE MACRO decided(since := NULL, until := NULL, latest := false) AS TABLE
SELECT * FROM query_table(CASE WHEN latest THEN 'latest_outcomes' ELSE 'outcomes' END)
WHERE audit_day BETWEEN coalesce(since, '0001-01-01')::DATE AND coalesce(until, '9999-12-31')::DATE
