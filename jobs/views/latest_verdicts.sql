-- The verdict that stands for each item and policy id, with the columns of `verdicts`: see `latest_outcomes`.
SELECT * FROM latest_outcomes WHERE status = 'verdict'
