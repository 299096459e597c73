"""What a policy's author needs without a judge: reading, checking and importing policies and golden files."""
