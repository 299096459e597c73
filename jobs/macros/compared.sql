-- What stood at the end of each of two periods, to be compared? The rows of `standing` of the one before and of the
-- period, and with them is_now: whether a row is of the period. All four days (audit_day) are included; a period that
-- lacks one has no rows.
-- Caveats: an item that was judged in both periods is there twice, once for each.
CREATE MACRO compared(since, until, since_before, until_before) AS TABLE
SELECT *, true AS is_now FROM standing(since := since, until := until)
WHERE since IS NOT NULL AND until IS NOT NULL
UNION ALL
SELECT *, false FROM standing(since := since_before, until := until_before)
WHERE since_before IS NOT NULL AND until_before IS NOT NULL
