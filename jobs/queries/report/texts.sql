-- The whole texts of the policies with these hashes.
SELECT hash, "text" FROM policies WHERE list_contains($hashes::VARCHAR[], hash) ORDER BY hash
