-- One row per case: a verdict, or a rejection. Rows that were forgotten are left out.
SELECT * FROM outcome_rows WHERE status <> 'forgotten'
