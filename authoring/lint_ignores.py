"""Comments that silence a finding: `# assay: ignore[P010] reason` in the front matter, for the whole file, and
`<!-- assay: ignore[P010] reason -->` in the prose, for its own line, or for the next one if it stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"(?P<open>#|<!--)\s*assay:\s*ignore(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*?)(?:-->|$)")
_END = re.compile(r"---\s*")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code of one comment. `covers` is the line that it is about, None for the whole file."""

    code: str
    reason: str
    line: int
    covers: int | None

    def silences(self, code: str, line: int) -> bool:
        return bool(self.reason) and code == self.code and self.covers in (None, line)


def read_ignores(lines: list[str]) -> Iterator[Ignore]:
    """Those of a policy's file, given as its lines. A comment without codes has the code ""."""
    end = next((number for number, line in enumerate(lines[1:], 2) if _END.fullmatch(line)), len(lines))
    for number, line in enumerate(lines, 1):
        found = _COMMENT.search(line)
        if found and (found["open"] == "#") is (number < end):
            covers = None if number < end else _covered(lines, number, found)
            for code in (found["codes"] or "").split(","):
                yield Ignore(code.strip(), found["reason"].strip(), number, covers)


def _covered(lines: list[str], number: int, found: re.Match[str]) -> int:
    if found.string.strip() != found[0].strip():
        return number
    rest = enumerate(lines[number:], number + 1)
    return next((at for at, line in rest if line.strip() and not _COMMENT.fullmatch(line.strip())), number)
