-- One row per case under a shadow policy that was judged.
SELECT * FROM shadow_outcomes WHERE status = 'verdict'
