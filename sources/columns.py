"""Do a file's columns fit `source.columns`?"""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.types as types

from assay.config import Columns
from assay.errors import InputError

_Fits = Callable[[pa.DataType], bool]


def check_columns(uri: str, schema: pa.Schema, partitions: Collection[str], columns: Columns) -> None:
    """Raises InputError that names the file, the key and the columns there are, if one is missing or of a wrong type.

    Columns that the file's folders stand for (`partitions`) are text.
    """
    wanted: list[tuple[str, str | None, _Fits, str]] = [
        ("id", columns.id, _is_id, "text or a whole number"),
        ("text", columns.text, is_text, "text"),
        ("prompt", columns.prompt, is_text, "text"),
        ("response", columns.response, is_text, "text"),
        ("chat", columns.chat, is_chat, "a list of role and content, or JSON text"),
        ("time", columns.time, _is_time, "a timestamp, a date, text or a whole number"),
        *(("carry", name, _is_any, "") for name in columns.carry),
    ]
    there = ", ".join([*schema.names, *partitions])
    for key, name, fits, means in wanted:
        if name is None or name in partitions:
            continue
        if schema.names.count(name) != 1:
            fault = "no" if name not in schema.names else "more than one"
            raise InputError(f"{uri}: source.columns.{key}: {fault} column {name!r}; there are: {there}")
        kind = schema.field(name).type
        if not fits(kind):
            raise InputError(f"{uri}: source.columns.{key}: column {name!r} is {kind}, not {means}; there are: {there}")


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without dictionary encoding."""
    return kind.value_type if types.is_dictionary(kind) else kind


def is_text(kind: pa.DataType) -> bool:
    """Text or binary, or a column that a writer could give no type because all of it is null."""
    kind = plain(kind)
    return bool(
        types.is_null(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
    )


def is_turns(kind: pa.DataType) -> bool:
    """A list of structs with text fields role and content."""
    if not (types.is_list(kind) or types.is_large_list(kind)):
        return False
    turn = kind.value_type
    return types.is_struct(turn) and all(
        turn.get_field_index(name) >= 0 and is_text(turn.field(name).type) for name in ("role", "content")
    )


def is_chat(kind: pa.DataType) -> bool:
    return is_turns(kind) or is_text(kind)


def _is_id(kind: pa.DataType) -> bool:
    return is_text(kind) or bool(types.is_integer(kind))


def _is_time(kind: pa.DataType) -> bool:
    return bool(types.is_timestamp(kind) or types.is_date(kind) or types.is_integer(kind)) or is_text(kind)


def _is_any(_: pa.DataType) -> bool:
    return True


def raw_bytes(column: pa.Array) -> pa.Array:
    """A text column as binary, without looking at the bytes: Parquet text may be invalid UTF-8."""
    kind = plain(column.type)
    flat = column.cast(kind) if kind != column.type else column
    if types.is_string(kind) or types.is_null(kind):
        return flat.cast(pa.binary())
    if types.is_large_string(kind) or types.is_string_view(kind) or types.is_binary_view(kind):
        return flat.cast(pa.large_binary())
    return flat
