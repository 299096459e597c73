"""How a consumer reads batches of records: no header's name can stop a partition, and no batch is left out in silence.

kafka-python 3.0.12 decodes the names of headers strictly: a record with one that is not UTF-8 makes its batch count as
corrupt at each poll. An error in the middle of a batch is raised once; after that the batch counts as read, or the next
poll never ends. And it unpacks whatever it is sent: one MiB of zstd or gzip may hold a GiB. `plug_in` sets all of that
right for one client.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import lz4.frame
import zstandard
from kafka import KafkaConsumer
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, UnsupportedCodecError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch

from assay.errors import FatalError, InputError

MAX_BATCH_BYTES = 256 * 2**20
"""The most that one batch may unpack to."""

_END = object()


def plug_in(client: KafkaConsumer) -> None:
    """From now on the client's polls raise InputError or FatalError, with the offset, for a batch that can't be read.

    They raise it again and again until the partition is sought elsewhere. Names of headers are decoded as UTF-8, with
    U+FFFD for bytes that are none.
    """
    client._fetcher.PartitionRecords = _Records


class _Records(Fetcher.PartitionRecords):  # type: ignore[misc]
    _failure: Exception | None = None

    def take(self, n: int | None = None) -> list[Any]:
        if self._failure is not None:
            raise self._failure
        taken: list[Any] = super().take(n)
        return taken

    def _unpack_records(self, tp: Any, records: MemoryRecords, *more: Any) -> Iterator[Any]:
        try:
            yield from super()._unpack_records(tp, _Batches(records), *more)
        except UnsupportedCodecError as error:
            self._failure = InputError(
                f"{self._where()} is compressed in a way that can't be read here ({error}); "
                "install the package for it: lz4, python-snappy or zstandard"
            )
        except CorruptRecordError as error:
            self._failure = FatalError(
                f"{self._where()} can't be read: {error.args[0]}; if it stays so, delete the records before the next "
                "batch (kafka-delete-records) and set source.on_gap: skip, which leaves a rejection in their place"
            )
        if self._failure is not None:
            raise self._failure

    def _where(self) -> str:
        one = self.topic_partition
        return f"topic {one.topic}, partition {one.partition}: the batch of offset {self.next_fetch_offset}"


class _Batches:
    """What of MemoryRecords is used to read."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        return _Batch(batch._buffer) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch(DefaultRecordBatch):  # type: ignore[misc]
    _buffer: bytearray
    _pos: int
    _decompressed: bool

    def __iter__(self) -> Iterator[Any]:
        self._maybe_uncompress()
        while True:
            try:
                yield from iter(self.__next__, _END)
            except CorruptRecordError as error:
                if not isinstance(error.__context__, UnicodeDecodeError) or isinstance(self._buffer, _Lenient):
                    raise
                self._buffer = _Lenient(self._buffer)
            else:
                return

    def _maybe_uncompress(self) -> None:
        try:
            if not self._decompressed and self.compression_type in _OPENED:
                packed = io.BytesIO(memoryview(self._buffer)[self._pos :])
                self._buffer, self._pos = bytearray(_unpacked(packed, self.compression_type)), 0
                self._decompressed = True
            super()._maybe_uncompress()
        except (CorruptRecordError, UnsupportedCodecError):
            raise
        except Exception as error:  # the codecs' errors have nothing in common
            raise CorruptRecordError(f"it can't be unpacked ({type(error).__name__}: {error})") from error


class _Lenient(bytearray):
    """Bytes of a batch whose parts decode whatever they hold."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _Lenient(found)

    def decode(self, *_: Any, **__: Any) -> str:
        return super().decode("utf-8", errors="replace")


_OPENED: Mapping[int, Callable[[io.BytesIO], Any]] = {
    DefaultRecordBatch.CODEC_GZIP: lambda packed: gzip.GzipFile(fileobj=packed),
    DefaultRecordBatch.CODEC_LZ4: lambda packed: lz4.frame.LZ4FrameFile(packed),
    DefaultRecordBatch.CODEC_ZSTD: lambda packed: zstandard.ZstdDecompressor().stream_reader(
        packed, read_across_frames=True
    ),
}
"""The codecs that pack more than a hundredfold. Snappy's best is about 21."""


def _unpacked(packed: io.BytesIO, codec: int) -> bytes:
    with _OPENED[codec](packed) as opened:
        found: bytes = opened.read(MAX_BATCH_BYTES + 1)
    if len(found) > MAX_BATCH_BYTES:
        raise CorruptRecordError(f"it unpacks to more than {MAX_BATCH_BYTES} bytes")
    return found
