"""Sizes of a column chunk's pages, read from the page headers before anything is decompressed.

The footer's sizes are only claims. A page header is what the decompressor allocates by, so this is where a
decompression bomb shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from sources.thrift import Compact

_WINDOWS = (1 << 10, 1 << 16, 1 << 24)
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = range(4)
_HEADERS = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}


class PageError(ValueError):
    """The page headers of a chunk make no sense, or are above a cap."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: `bytes` after decompression, `values` with repetitions and nulls."""

    dictionary: bool
    bytes: int
    values: int


def walk(file: pa.NativeFile, start: int, length: int, values: int) -> Iterator[Page]:
    """The pages of the chunk at bytes `start` to `start + length`, until its `values` have been seen.

    Raises ValueError when a header is broken or the chunk ends too early.
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
        reader = Compact(data)
        try:
            fields: dict[int, int] = {}
            reader.struct(fields, 0, 0)
        except IndexError:
            if len(data) < window:
                break
            continue
        return fields, reader.at
    raise PageError("a column chunk ends within a page header")
