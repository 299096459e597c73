"""Sizes of a column chunk's pages, read from the page headers before anything is decompressed.

The footer's sizes are only claims. A page header is what the decompressor allocates by, so this is where a
decompression bomb shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

_WINDOWS = (1 << 10, 1 << 16, 1 << 24)
_MAX_DEPTH = 8
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = range(4)
_HEADERS = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}


class PageError(ValueError):
    """The page headers of a chunk make no sense."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: `bytes` after decompression, `values` with repetitions and nulls."""

    dictionary: bool
    bytes: int
    values: int


def walk(file: pa.NativeFile, start: int, length: int, values: int) -> Iterator[Page]:
    """The pages of the chunk at bytes `start` to `start + length`, until its `values` have been seen.

    Raises PageError when a header is broken or the chunk ends too early.
    """
    at, end = start, start + length
    while values > 0:
        header, size = _header(file, at, end)
        packed, unpacked = header.get(3, -1), header.get(2, -1)
        at += size + packed
        if packed < 0 or unpacked < 0 or at > end:
            raise PageError("a page claims a size that its column chunk does not have")
        kind = header.get(1, -1)
        if kind not in (_DATA, _INDEX, _DICTIONARY, _DATA_V2):
            raise PageError(f"a page has the unknown type {kind}")
        if kind == _INDEX:
            continue
        count = header.get(_HEADERS[kind] * 100 + 1, -1)
        if count < 0 or (kind == _DICTIONARY and count > unpacked):
            raise PageError(f"a page claims {count} values in {unpacked} bytes")
        if kind != _DICTIONARY:
            values -= count
        yield Page(kind == _DICTIONARY, unpacked, count)


def _header(file: pa.NativeFile, at: int, end: int) -> tuple[dict[int, int], int]:
    for window in _WINDOWS:
        data = file.read_at(max(0, min(window, end - at)), at)
        reader = _Compact(data)
        try:
            fields: dict[int, int] = {}
            reader.struct(fields, 0, 0)
        except IndexError:
            if len(data) < window:
                break
            continue
        return fields, reader.at
    raise PageError("a column chunk ends within a page header")


class _Compact:
    """Just enough of Thrift's compact protocol to read whole numbers and to skip the rest. IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, into: dict[int, int], prefix: int, depth: int) -> None:
        """Read a struct; its numbers go to `into` under their field id, those of a struct in field f under f*100+id."""
        if depth > _MAX_DEPTH:
            raise PageError("a page header is nested too deeply")
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            if kind in (4, 5, 6):
                into[prefix + field] = self._zigzag()
            elif kind == 12:
                self.struct(into if depth == 0 else {}, field * 100, depth + 1)
            elif kind not in (1, 2):
                self._skip(kind, depth)

    def _skip(self, kind: int, depth: int) -> None:
        match kind:
            case 1 | 2 | 3:
                self._advance(1)
            case 4 | 5 | 6:
                self._varint()
            case 7:
                self._advance(8)
            case 8:
                self._advance(self._varint())
            case 9 | 10:
                head = self._byte()
                for _ in range(head >> 4 if head >> 4 < 15 else self._varint()):
                    self._skip(head & 15, depth + 1)
            case 12:
                self.struct({}, 0, depth + 1)
            case _:
                raise PageError(f"a page header holds the unknown type {kind}")

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _advance(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise PageError("a page header holds an endless number")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
