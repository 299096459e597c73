"""What is tested more thoroughly where ASSAY_THOROUGH is "true": before a release, or after work on what it tests."""

from __future__ import annotations

import os


def thorough() -> bool:
    return os.environ.get("ASSAY_THOROUGH") == "true"


def seeds(few: int, many: int) -> range:
    """For a test of accidents: the first `few`, all `many` if it is to be thorough."""
    return range(many if thorough() else few)
