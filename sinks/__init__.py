"""Where outcomes go: the Delta table, and its in-memory double."""
