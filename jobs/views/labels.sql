-- What people said: the files of `labels.path`, as they are. One row per label: item_id, policy_id, label (true: a
-- violation; null: unknown), who, when, weight (null unless given), content_hash (of what was labelled, null unless given).
-- Without labels no rows.
SELECT item_id, policy_id, "label", who, "when", weight, content_hash FROM label_rows
