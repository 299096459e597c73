"""YAML as people write it, and as nobody should."""

from __future__ import annotations

import yaml


def read_yaml(text: str) -> object:
    """What the text says, in plain values. Raises ValueError for whatever is wrong with it.

    PyYAML lets other errors through for a value that its tag does not fit, such as `!!int ""` or `!!bool maybe`.
    """
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
