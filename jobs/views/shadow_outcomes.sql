-- One row per case under a shadow policy: a verdict, or a rejection. Nobody was told of them.
SELECT * FROM outcome_rows WHERE status <> 'forgotten' AND "mode" = 'shadow'
