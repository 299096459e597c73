-- One row per case under a live policy that could not be judged: the reason, the detail and the raw bytes.
SELECT * FROM outcomes WHERE status = 'rejected'
