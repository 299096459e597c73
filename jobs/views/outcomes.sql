-- One row per case under a live policy: a verdict, or a rejection. Rows that were forgotten are left out.
SELECT * REPLACE (coalesce("mode", 'live') AS "mode") FROM outcome_rows
WHERE status <> 'forgotten' AND coalesce("mode", 'live') = 'live'
