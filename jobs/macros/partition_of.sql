-- The partition that a shard is of: its own number in a stream, '' in a file, of which all shards are one. With source
-- and position it says which item a row is of, however often the file was audited and however it was cut.
CREATE MACRO partition_of(shard) AS CASE WHEN regexp_full_match(shard, '[0-9]+') THEN shard ELSE '' END
