"""Where items come from: Parquet, and its in-memory double."""
