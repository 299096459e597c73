-- Which items have a row that is to be forgotten. A parameter that is null means nothing.
SELECT DISTINCT item_id
FROM outcome_rows
WHERE item_id IS NOT NULL
  AND (item_id = $item::VARCHAR OR content_hash = $content_hash::VARCHAR OR judged_at < $before::TIMESTAMPTZ)
