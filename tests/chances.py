"""How many seeded accidents a test of accidents lives through."""

from __future__ import annotations

import os


def seeds(few: int, many: int) -> range:
    """The first `few`; all `many` where ASSAY_THOROUGH is "true", before a release or after work on what they test."""
    return range(many if os.environ.get("ASSAY_THOROUGH") == "true" else few)
