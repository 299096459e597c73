"""Which rows a job takes: `where` and `sample`. Row groups that statistics rule out are not read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assay.config import ParquetConfig
from sources.parquet_file import OpenFile
from sources.paths import filesystem

if TYPE_CHECKING:
    from sources.where import Where

_POSITION = "\0position"
_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that a job takes. `name` is canonical: "" for all of them; it goes into `Shard.selection`."""

    where: Where | None
    sample: float | None
    seed: int

    @property
    def name(self) -> str:
        parts: dict[str, str | float] = {}
        if self.where is not None:
            parts["where"] = self.where.sql
        if self.sample is not None:
            parts |= {"sample": self.sample, "seed": self.seed}
        return json.dumps(parts, sort_keys=True) if parts else ""

    def on(self, file: OpenFile) -> FileSelection:
        """The selection as it applies to one file. Raises InputError if `where` does not fit its columns."""
        if self.where is None:
            return FileSelection(file, None, (), self.sample, self.seed)
        expression = self.where.expression(file.schema, file.partitions)
        return FileSelection(file, expression, self.where.columns(file.partitions, file.schema), self.sample, self.seed)


def selection_of(config: ParquetConfig) -> Selection:
    """Raises InputError naming source.where."""
    where = _where(config.where) if config.where is not None else None
    sample = config.sample if config.sample is not None and config.sample < 1 else None
    return Selection(where, sample, config.seed)


def _where(sql: str) -> Where:
    from sources.where import parse_where  # here, because every replica loads this module and few jobs have a `where`

    return parse_where(sql)


class FileSelection:
    """Decides, for one file, which of the rows in a batch are taken."""

    def __init__(
        self, file: OpenFile, where: pc.Expression | None, columns: tuple[str, ...], sample: float | None, seed: int
    ) -> None:
        self._file = file
        self._where = where
        self._sample = sample
        # The file's content, not its name: the same bytes give the same sample wherever they lie.
        self._key = int.from_bytes(hashlib.sha256(f"{seed}:{file.version}".encode()).digest()[:8], "big")
        self.columns = columns

    def groups(self) -> frozenset[int]:
        """Row groups that may hold selected rows."""
        if self._where is None:
            return frozenset(range(len(self._file.bounds) - 1))
        import pyarrow.dataset as ds  # brings pandas, which takes longer to load than all of ours

        system, path = filesystem(self._file.uri)
        with self._file.blame(0, self._file.rows):
            fragment = ds.ParquetFileFormat().make_fragment(path, system)
            subset = fragment.subset(filter=self._where, schema=self._file.schema)
            return frozenset(group.id for group in subset.row_groups)

    def take(self, first: int, batch: pa.RecordBatch) -> tuple[list[int], pa.RecordBatch]:
        """Positions of the selected rows, and a batch of only those. The batch's first row is at position `first`."""
        if self._where is None and self._sample is None:
            return list(range(first, first + batch.num_rows)), batch
        numbered = batch.append_column(_POSITION, pa.array(range(first, first + batch.num_rows), pa.uint64()))
        if self._where is not None:
            numbered = numbered.filter(self._where)
        if self._sample is not None:
            numbered = numbered.filter(self._drawn(numbered.column(batch.num_columns)))
        return numbered.column(batch.num_columns).to_pylist(), numbered.select(range(batch.num_columns))

    def _drawn(self, positions: pa.UInt64Array) -> pa.BooleanArray:
        """True with probability `sample`, by a hash (splitmix64) of file, seed and position alone."""
        assert self._sample is not None
        z = pc.add(
            pc.multiply(positions, pa.scalar(0x9E3779B97F4A7C15, pa.uint64())), pa.scalar(self._key, pa.uint64())
        )
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = pc.multiply(_xor_shift(z, shift), pa.scalar(factor, pa.uint64()))
        return pc.less(_xor_shift(z, 31), pa.scalar(min(int(self._sample * 2**64), _MASK), pa.uint64()))


def _xor_shift(values: pa.UInt64Array, by: int) -> pa.UInt64Array:
    return pc.bit_wise_xor(values, pc.shift_right(values, pa.scalar(by, pa.uint64())))
