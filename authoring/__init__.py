"""What a policy writer needs without a judge: lint, golden files, import, attacks."""
