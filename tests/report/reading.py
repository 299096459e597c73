"""Reads a page as a person would: its tables by their captions, and what markup it has."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "input", "br"})


class PageReader(HTMLParser):
    """`tables` has the cells' text row by row, heads first; `tags`, `attributes` and `text` all that there is."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows = []
            self._caption = ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag
        if tag == "table":
            rows = [[" ".join(cell.split()) for cell in row] for row in self._rows]
            self.tables.setdefault(self._caption, []).extend(rows)

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if "caption" in self._open:
            self._caption += data
        elif self._open and self._open[-1] not in ("table", "tbody", "thead", "tr") and "table" in self._open:
            self._rows[-1][-1] += f" {data}" if self._open[-1] == "small" else data
