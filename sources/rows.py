"""From Arrow batches to items. A row that makes no sense becomes a BadItem with its bytes as read; the rest go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from assay.config import ParquetConfig
from assay.errors import RecordError
from assay.records import Arrival, BadItem, Item, ItemKind, Place, Reason
from sources.chats import Chat, chats
from sources.content import kind_of, turns_of
from sources.values import Text, as_text, carried_values, ids, texts, times


@dataclass(frozen=True, slots=True)
class _Columns:
    """One batch, column by column, as Python values. Columns that the config does not name are all None."""

    ids: Sequence[Text]
    text: Sequence[Text]
    prompt: Sequence[Text]
    response: Sequence[Text]
    chat: Sequence[Chat | None]
    times: Sequence[datetime | str | None]
    carried: Sequence[tuple[str, Sequence[Text]]]


class Rows:
    """Turns the batches of one file into arrivals."""

    def __init__(self, config: ParquetConfig, source: str, partitions: dict[str, str | None]) -> None:
        self._columns = config.columns
        self._judged = config.judged
        self._cap = config.caps.content_bytes
        self._source = source
        self._partitions = partitions

    def arrivals(
        self, shard: str, positions: Sequence[int], batch: pa.RecordBatch, duplicates: frozenset[int]
    ) -> Iterator[Arrival]:
        """One arrival per row, in order, each built when it is asked for."""
        columns = self._read(batch)
        for index, position in enumerate(positions):
            yield self._arrival(columns, index, Place(self._source, shard, position), position in duplicates)

    def _read(self, batch: pa.RecordBatch) -> _Columns:
        named = self._columns
        rows = batch.num_rows

        def column(name: str | None) -> pa.Array:
            if name is None:
                return pa.nulls(rows, pa.string())
            if name in self._partitions:
                return pa.repeat(pa.scalar(self._partitions[name], pa.string()), rows)
            return batch.column(batch.schema.get_field_index(name))

        none = [None] * rows
        return _Columns(
            ids=ids(column(named.id)),
            text=texts(column(named.text)) if named.text else none,
            prompt=texts(column(named.prompt)) if named.prompt else none,
            response=texts(column(named.response)) if named.response else none,
            chat=chats(column(named.chat)) if named.chat else none,
            times=times(column(named.time)) if named.time else none,
            carried=[(name, carried_values(column(name))) for name in named.carry],
        )

    def _arrival(self, columns: _Columns, index: int, place: Place, duplicate: bool) -> Arrival:
        raw_id, time = columns.ids[index], columns.times[index]
        kind, content = self._content(columns, index)
        try:
            item_id = self._id(raw_id, duplicate)
            context, judged = turns_of(kind, content, columns.prompt[index], self._judged, self._cap)
            if isinstance(time, str):
                raise RecordError(Reason.WRONG_TYPE, f"column {self._columns.time!r} holds no time: {time[:100]!r}")
            carried = tuple(
                (name, as_text(values[index], f"column {name!r}"))
                for name, values in columns.carried
                if values[index] is not None
            )
            return Item(item_id, kind, judged, place, context, time, carried)
        except RecordError as error:
            return BadItem(
                id=raw_id if isinstance(raw_id, str) and raw_id else None,
                kind=kind,
                reason=error.reason,
                detail=error.detail,
                raw=_raw(content),
                place=place,
                time=time if isinstance(time, datetime) else None,
                carried=tuple((n, value) for n, v in columns.carried if isinstance(value := v[index], str)),
            )

    def _content(self, columns: _Columns, index: int) -> tuple[ItemKind, Text | Chat]:
        """What the row is, and its content as read (of a completion: the response)."""
        chat, response = columns.chat[index], columns.response[index]
        kind = kind_of(self._columns, chat, response)
        if kind is ItemKind.CHAT:
            return kind, chat
        return kind, response if kind is ItemKind.COMPLETION else columns.text[index]

    def _id(self, value: Text, duplicate: bool) -> str:
        name = self._columns.id
        if value is None or not len(value):
            raise RecordError(Reason.MISSING_ID, f"column {name!r} is null or empty")
        if duplicate:
            raise RecordError(Reason.DUPLICATE_ID, f"the id in column {name!r} occurred earlier in the source")
        return as_text(value, f"column {name!r}")


def _raw(content: Text | Chat) -> bytes:
    """The content's bytes as they were read."""
    if content is None:
        return b""
    if isinstance(content, str):
        return content.encode()
    return content if isinstance(content, bytes) else content.raw()
