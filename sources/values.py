"""Arrow columns as Python values that keep what is wrong: one bad value must not cost the batch.

Text that is not valid UTF-8 stays bytes; a time that can't be understood stays text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.types as types

from assay.errors import RecordError
from assay.records import Reason
from sources.columns import is_text, plain, raw_bytes

Text = str | bytes | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNREADABLE = b"\xff"


def texts(column: pa.Array) -> Sequence[Text]:
    """Text or binary values as str; those that are not UTF-8 as the bytes they are."""
    if types.is_dictionary(column.type) and len(column.dictionary) <= len(column):
        shared = texts(column.dictionary)
        return [None if index is None else shared[index] for index in column.indices.to_pylist()]
    raw = raw_bytes(column)
    try:
        values: list[Text] = raw.cast(pa.large_string()).to_pylist()
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return [decoded(value) for value in raw.to_pylist()]
    return values


def ids(column: pa.Array) -> Sequence[Text]:
    if types.is_integer(plain(column.type)):
        return texts(column.cast(pa.string()))
    return texts(column)


def as_text(value: Text, what: str) -> str:
    """A value that must be there as str. Raises RecordError (invalid_utf8, surrogate) for bytes that are no UTF-8."""
    if isinstance(value, str):
        return value
    assert value is not None
    try:
        value.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise RecordError(Reason.INVALID_UTF8, f"{what} is not UTF-8 at byte {error.start}") from None
    raise RecordError(Reason.SURROGATE, f"{what} holds half of a surrogate pair")


def check_size(parts: Sequence[Text], what: str, cap: int) -> None:
    """Raises RecordError (too_long) if the parts have more than `cap` bytes together."""
    # A character takes at most 4 bytes: most texts need no exact count.
    if 4 * sum(len(part) for part in parts if part is not None) <= cap:
        return
    # A repeated text is counted each time, but measured once.
    sizes = {part: len(part if isinstance(part, bytes) else part.encode()) for part in set(parts) if part is not None}
    size = sum(sizes[part] for part in parts if part is not None)
    if size > cap:
        raise RecordError(Reason.TOO_LONG, f"the {what} has {size} bytes; source.caps.content_bytes is {cap}")


def times(column: pa.Array) -> Sequence[datetime | str | None]:
    """Times as aware UTC datetimes; what is none, as text.

    Times without a zone are UTC. Whole numbers count since 1970, in s, ms, us or ns, whichever gives a year before
    5138.
    """
    kind = column.type
    if types.is_timestamp(kind):
        per_second = _PER_SECOND[kind.unit]
        return _each(column.cast(pa.int64()), lambda v: _since(v, per_second))
    if types.is_date(kind):
        return _each(column.cast(pa.int32() if types.is_date32(kind) else pa.int64()), _days(kind))
    if types.is_integer(kind):
        return _each(column, _guess)
    return [_parse(value) for value in texts(column)]


def as_time(value: object) -> datetime | str | None:
    """One value that is no column's, by the rules of `times`."""
    if value is None or isinstance(value, str):
        return _parse(value)
    if isinstance(value, bytes):
        return _parse(decoded(value))
    try:
        if isinstance(value, datetime):
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if isinstance(value, date):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return _guess(value)
    except OverflowError:
        return str(value)
    return f"({type(value).__name__})"


def carried_values(column: pa.Array) -> Sequence[Text]:
    """Any column as text; bytes where that can't be."""
    if is_text(column.type):
        return texts(column)
    if types.is_timestamp(column.type):
        return [v if v is None or isinstance(v, str) else v.isoformat() for v in times(column)]
    try:
        return [shown(value) for value in column.to_pylist()]
    except (ValueError, OverflowError, pa.ArrowException):
        return [_one(column, index) for index in range(len(column))]


def decoded(value: bytes | None) -> Text:
    """UTF-8 as str; what is none, as the bytes it is."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _each(column: pa.Array, convert: Callable[[int], datetime]) -> list[datetime | str | None]:
    values: list[datetime | str | None] = []
    for value in column.to_pylist():
        try:
            values.append(None if value is None else convert(value))
        except OverflowError:
            values.append(str(value))
    return values


def _since(value: int, per_second: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value * 10**6 // per_second)


def _days(kind: pa.DataType) -> Callable[[int], datetime]:
    return lambda v: _EPOCH + (timedelta(days=v) if types.is_date32(kind) else timedelta(milliseconds=v))


def _guess(value: int) -> datetime:
    for per_second in _PER_SECOND.values():
        if abs(value) < 10**11 * per_second:
            return _since(value, per_second)
    raise OverflowError


def _parse(value: Text) -> datetime | str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return repr(value[:100])
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return value


def _one(column: pa.Array, index: int) -> Text:
    value = column[index]
    try:
        return shown(value.as_py())
    except UnicodeDecodeError:
        return _UNREADABLE
    except (ValueError, OverflowError, pa.ArrowException):
        return _as_written(value)


def _as_written(value: pa.Scalar) -> str:
    """Arrow's own way to write what Python has no type for, such as a time in nanoseconds."""
    try:
        return str(value.cast(pa.string()).as_py())
    except (ValueError, pa.ArrowException):
        return f"({value.type}, not shown)"


def shown(value: object) -> Text:
    """Any one value as text, lists and dicts as JSON; bytes where that can't be."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return decoded(value)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if isinstance(value, date) else str(value)
