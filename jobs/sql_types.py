"""DuckDB's words for the Arrow types that our tables are written with.

DuckDB knows them itself, but to look at Arrow data it loads pandas, which takes longer than most questions.
"""

from __future__ import annotations

import pyarrow as pa

_PLAIN = {
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}


def sql_type(kind: pa.DataType) -> str:
    """That of a column of this type. Raises KeyError for a type that no table of ours has."""
    if pa.types.is_list(kind):
        return f"{sql_type(kind.value_type)}[]"
    if pa.types.is_map(kind):
        return f"MAP({sql_type(kind.key_type)}, {sql_type(kind.item_type)})"
    return _PLAIN[kind]


def nulls(schema: pa.Schema) -> str:
    """The columns of the schema as a SELECT's, each null and of its type."""
    return ", ".join(f'NULL::{sql_type(field.type)} AS "{field.name}"' for field in schema)
