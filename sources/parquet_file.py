"""One Parquet file, opened with suspicion: no number in its footer is believed before it was compared with the caps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq

from assay.config import Caps, ParquetConfig
from assay.errors import InputError
from sources.columns import check_columns
from sources.pages import Page, PageError, walk
from sources.paths import open_uri, partition_values
from sources.thrift import check_footer

ARROW_ERRORS = (pa.ArrowException, PageError, OSError, ValueError, MemoryError, NotImplementedError, OverflowError)
_BUFFER_BYTES = 1 << 20
_TAIL = 8
_MAX_CONTAINER = 1_000_000
_SMALL_FOOTER = 1 << 20
_FOOTER_MEMORY = 600 * 2**20


@dataclass(frozen=True)
class OpenFile:
    """A file whose footer passed. Rows are numbered from 0 through all row groups."""

    uri: str
    handle: pa.NativeFile
    parquet: pq.ParquetFile
    version: int
    caps: Caps

    @property
    def rows(self) -> int:
        return int(self.parquet.metadata.num_rows)

    @cached_property
    def schema(self) -> pa.Schema:
        return self.parquet.schema_arrow

    @cached_property
    def partitions(self) -> dict[str, str | None]:
        """Values of the columns that the file's folders stand for, less those that the file itself has."""
        return {key: value for key, value in partition_values(self.uri).items() if key not in self.schema.names}

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """First row of each row group, then the number of rows."""
        bounds = [0]
        for index in range(self.parquet.metadata.num_row_groups):
            bounds.append(bounds[-1] + self.parquet.metadata.row_group(index).num_rows)
        return tuple(bounds)

    def leaves(self, columns: Iterable[str]) -> list[int]:
        """Indices of the leaf columns below the top-level columns that these names or dotted paths begin with."""
        schema, tops = self.parquet.schema, {name.split(".")[0] for name in columns}
        return [i for i in range(len(schema)) if schema.column(i).path.split(".")[0] in tops]

    def pages(self, group: int, leaf: int) -> Iterator[Page]:
        """The pages of one column chunk. Raises InputError if one is larger than the cap, or the chunk is broken."""
        chunk = self.parquet.metadata.row_group(group).column(leaf)
        with self.blame(self.bounds[group], self.bounds[group + 1]):
            for page in walk(self.handle, _first_byte(chunk), chunk.total_compressed_size, chunk.num_values):
                if page.bytes > self.caps.page_bytes:
                    raise PageError(f"a page of {page.bytes} bytes is above source.caps.page_bytes")
                if page.values > self.caps.row_group_rows:
                    raise PageError(f"a page of {page.values} values is above source.caps.row_group_rows")
                yield page

    @contextmanager
    def blame(self, start: int, stop: int) -> Iterator[None]:
        """Turns any Arrow error into an InputError that names the file and rows `start` to `stop`."""
        try:
            yield
        except InputError:
            raise
        except ARROW_ERRORS as error:
            raise InputError(f"{self.uri}: rows {start} to {stop} can't be read: {error}; replace the file") from error

    def close(self) -> None:
        self.handle.close()


def open_file(uri: str, config: ParquetConfig) -> OpenFile:
    """Open and check one file: footer, caps, columns. Raises InputError, naming the file."""
    try:
        handle = open_uri(uri)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{uri}: can't be opened: {error}") from error
    try:
        size, footer = _footer(handle, config.caps)
        if len(footer) > _SMALL_FOOTER:
            check_footer(footer, _FOOTER_MEMORY)
        metadata = pq.ParquetFile(handle, thrift_container_size_limit=_MAX_CONTAINER).metadata
        _check_claims(metadata, size, config.caps)
        parquet = pq.ParquetFile(
            handle,
            metadata=metadata,
            read_dictionary=_chat_texts(metadata.schema, config.columns.chat),
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            page_checksum_verification=True,
        )
        file = OpenFile(uri, handle, parquet, _version(size, metadata.num_rows, footer), config.caps)
        check_columns(uri, file.schema, file.partitions, config.columns)
    except ARROW_ERRORS as error:
        handle.close()
        raise InputError(f"{uri}: not a Parquet file that can be audited: {error}") from error
    except InputError:
        handle.close()
        raise
    return file


def _footer(handle: pa.NativeFile, caps: Caps) -> tuple[int, bytes]:
    """Size of the file, and its footer."""
    size = handle.size()
    tail = handle.read_at(min(_TAIL, size), max(0, size - _TAIL))
    if tail[4:] == b"PARE":
        raise ValueError("it is encrypted")
    if tail[4:] != b"PAR1":
        raise ValueError("it does not end as Parquet does; it may be truncated")
    length = int.from_bytes(tail[:4], "little")
    if length > size - _TAIL - 4:
        raise ValueError(f"it claims a footer of {length} bytes in a file of {size}")
    if length > caps.footer_bytes:
        raise ValueError(f"its footer of {length} bytes is above source.caps.footer_bytes ({caps.footer_bytes})")
    return size, handle.read_at(length, size - _TAIL - length)


def _version(size: int, rows: int, footer: bytes) -> int:
    digest = hashlib.sha256(b"%d:%d:%s" % (size, rows, hashlib.sha256(footer).digest())).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _check_claims(metadata: pq.FileMetaData, size: int, caps: Caps) -> None:
    """Compare what the footer claims with the caps and with the size of the file."""
    _within("rows", metadata.num_rows, caps.rows)
    rows = 0
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        _within("row_group_rows", group.num_rows, caps.row_group_rows)
        _within("row_group_bytes", group.total_byte_size, caps.row_group_bytes)
        rows += group.num_rows
        unpacked = 0
        for leaf in range(group.num_columns):
            chunk = group.column(leaf)
            start, length = _first_byte(chunk), chunk.total_compressed_size
            if length < 0 or (group.num_rows and start < 4) or start + length > size:
                raise ValueError(f"row group {index} claims bytes {start} to {start + length} of a file of {size}")
            if chunk.num_values < 0 or chunk.total_uncompressed_size < 0:
                raise ValueError(f"row group {index} claims a negative size")
            if metadata.schema.column(leaf).max_repetition_level == 0 and chunk.num_values != group.num_rows:
                raise ValueError(f"row group {index} claims {group.num_rows} rows with {chunk.num_values} values")
            unpacked += chunk.total_uncompressed_size
        _within("row_group_bytes", unpacked, caps.row_group_bytes)
    if rows != metadata.num_rows:
        raise ValueError(f"it claims {metadata.num_rows} rows, its row groups {rows}")


def _within(cap: str, claimed: int, limit: int) -> None:
    if claimed < 0:
        raise ValueError(f"it claims {claimed} for {cap}")
    if claimed > limit:
        raise ValueError(f"it claims {claimed}, which is above source.caps.{cap} ({limit})")


def _first_byte(chunk: pq.ColumnChunkMetaData) -> int:
    start, dictionary = int(chunk.data_page_offset), chunk.dictionary_page_offset
    return int(dictionary) if dictionary is not None and 0 < dictionary < start else start


def _chat_texts(schema: pq.ParquetSchema, chat: str | None) -> list[str]:
    """Text leaves inside the chat column: read as dictionaries, so that a repeated long text is in memory once."""
    leaves = [schema.column(i) for i in range(len(schema))] if chat else []
    return [leaf.path for leaf in leaves if leaf.path.startswith(f"{chat}.") and leaf.physical_type == "BYTE_ARRAY"]
