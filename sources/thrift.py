"""Thrift's compact protocol, as far as sizes need it: Parquet's own readers allocate before they can be stopped."""

from __future__ import annotations

from collections.abc import Iterator

_MAX_DEPTH = 10
_LIST, _STRUCT = 9, 12
_SCHEMA_FIELD, _GROUPS_FIELD, _CHUNKS_FIELD = 2, 4, 1

# Bytes of memory that readers take for one of these, and for any other byte of a footer; rounded up from measurements.
_CHUNK, _SCHEMA_ELEMENT, _GROUP, _BYTE = 1000, 1000, 500, 16


class ThriftError(ValueError):
    """Not the compact protocol, or too much of it."""


def check_footer(footer: bytes, most: int) -> None:
    """Raises ThriftError if reading this footer would take more than about `most` bytes of memory."""
    reader = Compact(footer)
    weight = len(footer) * _BYTE

    def charge(each: int) -> int:
        nonlocal weight
        count = reader.list_size()
        weight += count * each
        if weight > most:
            raise ThriftError(f"its footer would take more than {most >> 20} MiB of memory")
        return count

    try:
        for field, kind in reader.fields():
            if (field, kind) == (_SCHEMA_FIELD, _LIST):
                for _ in range(charge(_SCHEMA_ELEMENT)):
                    reader.skip(_STRUCT)
            elif (field, kind) == (_GROUPS_FIELD, _LIST):
                for _ in range(charge(_GROUP)):
                    for inner, inner_kind in reader.fields():
                        if (inner, inner_kind) == (_CHUNKS_FIELD, _LIST):
                            for _ in range(charge(_CHUNK)):
                                reader.skip(_STRUCT)
                        elif inner_kind not in (1, 2):
                            reader.skip(inner_kind)
            elif kind not in (1, 2):
                reader.skip(kind)
    except IndexError:
        raise ThriftError("its footer ends too early") from None


class Compact:
    """Just enough of Thrift's compact protocol to read whole numbers and to skip the rest. IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, into: dict[int, int], prefix: int, depth: int) -> None:
        """Read a struct; its numbers go to `into` under their field id, those of a struct in field f under f*100+id."""
        if depth > _MAX_DEPTH:
            raise ThriftError("a page header is nested too deeply")
        for field, kind in self.fields():
            if kind in (4, 5, 6):
                into[prefix + field] = self._zigzag()
            elif kind == 12:
                self.struct(into if depth == 0 else {}, field * 100, depth + 1)
            elif kind not in (1, 2):
                self.skip(kind, depth)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct; the caller must read or skip each before it asks for the next."""
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            yield field, head & 15

    def list_size(self) -> int:
        """Length of the list that begins here; its elements follow."""
        head = self._byte()
        return head >> 4 if head >> 4 < 15 else self._varint()

    def skip(self, kind: int, depth: int = 0) -> None:
        """Pass over a value of this type."""
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
                element = self._data[self.at] & 15
                for _ in range(self.list_size()):
                    self.skip(element, depth + 1)
            case 12:
                self.struct({}, 0, depth + 1)
            case _:
                raise ThriftError(f"a page header holds the unknown type {kind}")

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
        raise ThriftError("a page header holds an endless number")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
