-- One row per case under a live policy that was judged: what was decided, why, by whom and at what cost.
SELECT * FROM outcomes WHERE status = 'verdict'
