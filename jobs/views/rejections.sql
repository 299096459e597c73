-- One row per case that could not be judged: the reason, the detail and the raw bytes.
SELECT * FROM outcomes WHERE status = 'rejected'
