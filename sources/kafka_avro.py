"""Avro values of one schema. A schema that lets a few bytes end or stall the process is refused before it is used."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

import fastavro
from fastavro.schema import SchemaParseException

from assay.config import AvroValue
from assay.errors import InputError, RecordError
from assay.records import Reason

_KEY = "source.value.schema_file"
_LEAST_BYTES = {"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1}


class AvroReader:
    """Decodes records of one schema, written without a container. Raises InputError if the schema can't be used."""

    def __init__(self, config: AvroValue) -> None:
        self._header = config.header_bytes
        self._schema = _load(config.schema_file)

    def fields(self, value: bytes) -> dict[str, object]:
        """The record's fields by name. Raises RecordError (not_avro, invalid_utf8).

        It is not_avro as well if the header is cut short or if bytes follow the record.
        """
        if len(value) < self._header:
            raise RecordError(Reason.NOT_AVRO, f"the value has {len(value)} bytes; its header has {self._header}")
        stream = io.BytesIO(value)
        stream.seek(self._header)
        try:
            record: dict[str, object] = fastavro.schemaless_reader(stream, self._schema, None)
        except UnicodeDecodeError as error:
            raise RecordError(
                Reason.INVALID_UTF8, f"a string of the record is not UTF-8 at byte {error.start}"
            ) from None
        except (EOFError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
            detail = f"the value is no record of the schema ({type(error).__name__})"
            raise RecordError(Reason.NOT_AVRO, detail) from None
        if left := len(value) - stream.tell():
            raise RecordError(Reason.NOT_AVRO, f"{left} bytes follow the record")
        return record


def _load(path: str) -> Mapping[str, object]:
    try:
        with open(path, encoding="utf-8") as file:
            parsed = fastavro.parse_schema(json.load(file))
    except OSError as error:
        raise InputError(f"{_KEY}: {path} can't be read: {error.strerror}") from None
    except (SchemaParseException, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{_KEY}: {path} is no Avro schema: {error!r:.200}") from None
    if not isinstance(parsed, dict) or parsed.get("type") != "record":
        raise InputError(f"{_KEY}: {path}: the schema is not a record; columns name a record's fields")
    _least(parsed, parsed["__named_schemas"], path, frozenset())
    return parsed


def _least(schema: object, named: Mapping[str, object], path: str, within: frozenset[str]) -> int:
    """The fewest bytes that a value takes.

    Raises InputError for a type that contains itself (the decoder recurses in C, and overflows the process's stack) and
    for arrays of values without bytes (whose length nothing bounds).
    """
    if isinstance(schema, list):
        return 1 + min((_least(branch, named, path, within) for branch in schema), default=0)
    if isinstance(schema, str):
        if schema in _LEAST_BYTES:
            return _LEAST_BYTES[schema]
        if schema in within:
            raise InputError(
                f"{_KEY}: {path}: {schema} contains itself; flatten it, since a deep value would end the job"
            )
        return _least(named[schema], named, path, within)
    assert isinstance(schema, dict)
    match schema["type"]:
        case "record" | "error":
            deeper = within | {schema["name"]}
            return sum(_least(field["type"], named, path, deeper) for field in schema["fields"])
        case "array":
            if _least(schema["items"], named, path, within) == 0:
                raise InputError(f"{_KEY}: {path}: an array of values without bytes has no bound; give them a field")
            return 1
        case "map":
            _least(schema["values"], named, path, within)
            return 1
        case "enum":
            return 1
        case "fixed":
            return int(schema["size"])
        case inner:
            return _least(inner, named, path, within)
