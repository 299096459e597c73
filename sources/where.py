"""`source.where`: a small, safe part of SQL as an Arrow expression.

Comparisons, AND, OR, NOT, IN, IS [NOT] NULL, BETWEEN, [I]LIKE, literals, columns (`a.b` for a field of a struct) and
the columns of Hive partitions. Unknown (null) is not selected, as in SQL.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from assay.errors import InputError

_DIALECT = "duckdb"
_MAX_NODES = 5_000

_COMPARISONS: Mapping[type[exp.Expr], Callable[[pc.Expression, pc.Expression], pc.Expression]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
}

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Where:
    """A parsed condition. `sql` is its canonical text; equal conditions written differently may share it."""

    tree: exp.Expr
    sql: str

    def columns(self, partitions: Mapping[str, str | None], schema: pa.Schema) -> tuple[str, ...]:
        """The columns of the file that the condition reads, as dotted paths."""
        paths = {tuple(part.name for part in column.parts) for column in self.tree.find_all(exp.Column)}
        return tuple(sorted(".".join(p) for p in paths if p[0] in schema.names or p[0] not in partitions))

    def expression(self, schema: pa.Schema, partitions: Mapping[str, str | None]) -> pc.Expression:
        """The condition for one file. Raises InputError if the file's columns do not fit it."""
        built = _Translator(schema, partitions).condition(self.tree)
        try:
            schema.empty_table().filter(built)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(f"source.where: {self.sql}: {error}") from error
        return built


def parse_where(text: str) -> Where:
    """Parse a condition such as `lang = 'de' AND score > 3`. Raises InputError naming source.where."""
    try:
        tree = sqlglot.parse_one(text, dialect=_DIALECT)
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        why = str(error).splitlines()[0]
        raise InputError(f"source.where: {text!r} is not a condition: {why}") from error
    if sum(1 for _ in tree.walk()) > _MAX_NODES:
        raise InputError(f"source.where: the condition has more than {_MAX_NODES} parts")
    return Where(tree, tree.sql(dialect=_DIALECT))


class _Translator:
    """Builds the expression for files with one schema and one set of partition values."""

    def __init__(self, schema: pa.Schema, partitions: Mapping[str, str | None]) -> None:
        self._schema = schema
        self._partitions = partitions

    def condition(self, node: exp.Expr) -> pc.Expression:
        match node:
            case exp.Paren():
                return self.condition(node.this)
            case exp.And():
                return self.condition(node.left) & self.condition(node.right)
            case exp.Or():
                return self.condition(node.left) | self.condition(node.right)
            case exp.Not():
                return ~self.condition(node.this)
            case exp.Boolean():
                return pc.scalar(bool(node.this))
            case exp.Column():
                return self._column(node)
        built = self._predicate(node)
        return ~built if node.args.get("negate") else built

    def _predicate(self, node: exp.Expr) -> pc.Expression:
        match node:
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                return self._comparison(type(node), node.left, node.right)
            case exp.Between():
                low, high = node.args["low"], node.args["high"]
                return self._comparison(exp.GTE, node.this, low) & self._comparison(exp.LTE, node.this, high)
            case exp.In() if node.expressions:
                return _any([self._comparison(exp.EQ, node.this, value) for value in node.expressions])
            case exp.Is() if isinstance(node.expression, exp.Null) and isinstance(_bare(node.this), exp.Column):
                return self._operand(node.this, node.expression).is_null()
            case exp.Like() | exp.ILike():
                pattern = _literal(node.expression)
                if isinstance(pattern, str):
                    text = self._operand(node.this, node.expression)
                    return pc.match_like(text, pattern, ignore_case=isinstance(node, exp.ILike))
        raise _unsupported(node)

    def _comparison(self, kind: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> pc.Expression:
        return _COMPARISONS[kind](self._operand(left, right), self._operand(right, left))

    def _operand(self, node: exp.Expr, other: exp.Expr) -> pc.Expression:
        """A column or a literal; `other`, what it is compared with, settles the type."""
        node, other = _bare(node), _bare(other)
        if isinstance(node, exp.Column):
            if self._in_path(node):
                return pc.scalar(_partition_as(self._partitions[node.name], _literal(other)))
            return self._column(node)
        if isinstance(node, exp.Null):
            return pc.scalar(None)
        value = _literal(node)
        if value is None:
            raise _unsupported(node)
        kind = self._type(other) if isinstance(other, exp.Column) and not self._in_path(other) else None
        if isinstance(value, str) and kind is not None and pa.types.is_temporal(kind):
            return pc.scalar(_moment(value, kind))
        try:
            return pc.scalar(value)
        except OverflowError as error:
            raise InputError(f"source.where: {value} is too large a number") from error

    def _column(self, node: exp.Column) -> pc.Expression:
        if self._in_path(node):
            return pc.scalar(self._partitions[node.name])
        kind = self._type(node)
        column = pc.field(*(part.name for part in node.parts))
        return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column

    def _in_path(self, node: exp.Column) -> bool:
        return len(node.parts) == 1 and node.name in self._partitions and node.name not in self._schema.names

    def _type(self, node: exp.Column) -> pa.DataType:
        kind: pa.DataType = pa.struct(list(self._schema))
        for part in node.parts:
            if not pa.types.is_struct(kind) or kind.get_field_index(part.name) < 0:
                there = ", ".join([*self._schema.names, *self._partitions])
                raise InputError(f"source.where: no column {node.sql(dialect=_DIALECT)}; there are: {there}")
            kind = kind.field(part.name).type
        return kind


def _any(conditions: Sequence[pc.Expression]) -> pc.Expression:
    """OR over all, as a balanced tree: a long list must not nest deeply."""
    if len(conditions) == 1:
        return conditions[0]
    half = len(conditions) // 2
    return _any(conditions[:half]) | _any(conditions[half:])


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def _literal(node: exp.Expr) -> Value | None:
    """The value of a literal (a DATE or TIMESTAMP literal: its text), None for anything else."""
    node = _bare(node)
    if isinstance(node, exp.Cast) and node.to.this in exp.DataType.TEMPORAL_TYPES:
        node = node.this
    if isinstance(node, exp.Boolean):
        return bool(node.this)
    if isinstance(node, exp.Neg):
        value = _literal(node.this)
        return -value if isinstance(value, int | float) else None
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return str(node.this)
    return float(node.this) if set(str(node.this)) & set(".eE") else int(node.this)


def _partition_as(value: str | None, literal: Value | None) -> str | float | None:
    """A partition's value is text; compared with a number it is a number (null if it can't be one)."""
    if value is None or not isinstance(literal, int | float):
        return value
    try:
        return int(value) if value.lstrip("-").isdecimal() else float(value)
    except ValueError:
        return None


def _moment(text: str, kind: pa.DataType) -> pa.Scalar:
    try:
        moment = datetime.fromisoformat(text)
        zone = getattr(kind, "tz", None)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=UTC)
        return pa.scalar(moment, pa.timestamp("us", zone)).cast(kind)
    except (pa.ArrowException, ValueError) as error:
        raise InputError(f"source.where: {text!r} is no time: {error}") from error


def _unsupported(node: exp.Expr) -> InputError:
    return InputError(
        f"source.where: {node.sql(dialect=_DIALECT)!r} is not supported; there are =, <>, <, <=, >, >=, AND, OR, "
        "NOT, IN, IS [NOT] NULL, BETWEEN, LIKE, ILIKE, columns and literals"
    )
