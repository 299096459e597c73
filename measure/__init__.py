"""Statistics of answers against labels: pure functions on frozen records. Reads no file and knows no judge."""
