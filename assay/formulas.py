"""Text in CSV cells that a spreadsheet would run as a formula: put behind an apostrophe, and taken out again.

What begins a formula is what OWASP lists: `=`, `+`, `-`, `@`, in ASCII and full width, tab, carriage return, line feed.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]")


def shielded(text: str) -> str:
    """The text of a cell that is no formula. What begins with apostrophes and then like one gets another.

    So no two texts become the same cell, and `unshielded` gives each back.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unshielded(cell: str) -> str:
    """The text that `shielded` made this cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
