"""The domain: records, policies, contracts, errors and the config model. Knows no engine, cluster or storage."""
