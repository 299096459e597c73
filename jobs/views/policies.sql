-- One row per text of a policy: when a run first and last began with it, or took it in.
SELECT hash, any_value(id) AS id, any_value("version") AS "version", any_value("text") AS "text",
       min(first_seen) AS first_seen, max(last_seen) AS last_seen
FROM policy_rows GROUP BY hash
