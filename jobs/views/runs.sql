-- One row per run, as it last stood: a run writes a row when it starts and another when it ends.
SELECT * FROM run_rows
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC NULLS LAST) = 1
