"""Tables given as typed values: exactly what a test wants to see on the wire, with what they held before.

A small interpreter answers the queries that can be asked of them: columns and a few functions of one table, filtered by
equality and IN-lists. DuckDB is not asked, since it holds neither every NUMBER nor every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from sqlglot import exp

from tests.oracle import types
from tests.oracle.binds import Value
from tests.oracle.clock import Clock
from tests.oracle.errors import OracleError
from tests.oracle.rows import Result
from tests.oracle.statements import JSON_IDS, Statement, bind_name
from tests.oracle.times import Moment
from tests.oracle.types import Column, OracleType

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: Sequence[Row]

    @classmethod
    def of(cls, columns: Mapping[str, OracleType], rows: Sequence[Row] = ()) -> Table:
        return cls(tuple(Column(name, kind) for name, kind in columns.items()), rows)


class Tables:
    """Tables by name, each with its former states."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, list[tuple[int, Table]]] = {}

    def put(self, name: str, table: Table) -> None:
        """The table from now on; a query as of an earlier SCN still finds what was before."""
        self._states.setdefault(name.upper(), []).append((self._clock.change(), table))

    def answers(self, statement: Statement) -> bool:
        names = statement.tables
        return bool(names) and names <= set(self._states)

    def query(self, statement: Statement, values: Mapping[str, Value], scn: int | None) -> Result:
        """Raises OracleError for what the interpreter does not know."""
        return _Query(self, values, scn).select(statement.tree)

    def at(self, name: str, scn: int | None) -> Table:
        states = self._states.get(name.upper())
        if not states:
            raise OracleError(942)
        if scn is None:
            return states[-1][1]
        past = [table for since, table in states if since <= scn]
        if not past:
            raise OracleError(1466, "unable to read data - table definition has changed")
        return past[-1]


@dataclass(frozen=True, slots=True)
class _Expression:
    type: OracleType
    of: Callable[[Row], Any]


class _Query:
    def __init__(self, tables: Tables, values: Mapping[str, Value], scn: int | None) -> None:
        self._tables = tables
        self._values = values
        self._scn = scn

    def select(self, tree: exp.Expr) -> Result:
        if not isinstance(tree, exp.Select):
            raise OracleError(3115, "typed tables answer a plain SELECT only")
        source = self._source(tree.args["from_"].this)
        columns: list[Column] = []
        expressions: list[_Expression] = []
        for item in tree.expressions:
            if item.is_star:
                columns += source.columns
                expressions += [self._column(source, column.name) for column in source.columns]
            else:
                expression = self._expression(source, item.unalias())
                columns.append(
                    Column(item.alias_or_name.upper() or item.sql("oracle").upper(), expression.type)
                )
                expressions.append(expression)
        rows = source.values
        if where := tree.args.get("where"):
            holds = self._condition(source, where.this)
            rows = [row for row in rows if holds(row)]
        return Result(
            tuple(columns), [tuple(expression.of(row) for expression in expressions) for row in rows]
        )

    def _source(self, tree: exp.Expr) -> Result:
        if isinstance(tree, exp.Subquery):
            return self.select(tree.this)
        table = self._tables.at(tree.name, self._scn)
        return Result(table.columns, table.rows)

    @staticmethod
    def _column(source: Result, name: str) -> _Expression:
        for place, column in enumerate(source.columns):
            if column.name.upper() == name.upper():
                return _Expression(column.type, itemgetter(place))
        raise OracleError(904, f'"{name.upper()}": invalid identifier')

    def _expression(self, source: Result, tree: exp.Expr) -> _Expression:
        if isinstance(tree, exp.Column):
            return self._column(source, tree.name)
        if isinstance(tree, exp.Null):
            return _Expression(types.varchar2(0), lambda _row: None)
        if isinstance(tree, exp.Placeholder):
            bound = self._constant(tree)
            return _Expression(
                types.varchar2() if isinstance(bound, str | None) else types.number(), lambda _row: bound
            )
        if isinstance(tree, exp.Literal):
            kind = types.varchar2(len(tree.this) or 1) if tree.is_string else types.number()
            value = tree.this if tree.is_string else Decimal(tree.this)
            return _Expression(kind, lambda _row: value)
        if isinstance(tree, exp.ToChar):
            inner = self._expression(source, tree.this)
            write = _FORMATS.get(tree.args["format"].this)
            if write is not None:
                return _Expression(types.varchar2(64), _unless_null(inner.of, write))
        if isinstance(tree, exp.Anonymous) and tree.name.upper() == "SYS_EXTRACT_UTC":
            inner = self._expression(source, tree.expressions[0])
            return _Expression(
                types.timestamp(inner.type.scale),
                _unless_null(inner.of, lambda value: Moment.of(value).at(0)),
            )
        if isinstance(tree, exp.Cast) and tree.to.is_type("decimal"):
            inner = self._expression(source, tree.this)
            precision, *scale = (int(parameter.this.this) for parameter in tree.to.expressions)
            return _Expression(types.number(precision, *scale), inner.of)
        if (lob := lob_of_length(tree)) is not None:
            inner = self._expression(source, lob)
            return _Expression(types.number(), _unless_null(inner.of, len))
        if isinstance(tree, exp.Case):
            return self._case(source, tree)
        raise OracleError(3115, f"typed tables do not know {tree.sql('oracle')}")

    def _case(self, source: Result, tree: exp.Case) -> _Expression:
        """CASE WHEN a condition THEN something END."""
        (only,) = tree.args["ifs"]
        holds, found = self._condition(source, only.this), self._expression(source, only.args["true"])
        return _Expression(found.type, lambda row: found.of(row) if holds(row) else None)

    def _condition(self, source: Result, tree: exp.Expr) -> Callable[[Row], bool]:
        if isinstance(tree, exp.Paren):
            return self._condition(source, tree.this)
        if isinstance(tree, (exp.And, exp.Or)):
            left, right = self._condition(source, tree.left), self._condition(source, tree.right)
            if isinstance(tree, exp.And):
                return lambda row: left(row) and right(row)
            return lambda row: left(row) or right(row)
        if isinstance(tree, (exp.In, exp.EQ)):
            of, values = self._expression(source, tree.this).of, self._wanted(tree)
            return lambda row: of(row) in values
        if isinstance(tree, exp.LTE):
            of, most = self._expression(source, tree.this).of, int(tree.expression.this)
            return lambda row: (found := of(row)) is not None and found <= most
        raise OracleError(3115, f"typed tables do not know {tree.sql('oracle')}")

    def _wanted(self, tree: exp.In | exp.EQ) -> set[Value]:
        """What an IN-list or a JSON list holds; NULL, which an empty text is, equals nothing."""
        if isinstance(tree, exp.EQ):
            found = [self._constant(tree.expression)]
        elif query := tree.args.get("query"):
            call = query.this.args["from_"].this.this
            if not isinstance(call, exp.Anonymous) or call.name.upper() != JSON_IDS:
                raise OracleError(3115, f"typed tables do not know {query.sql('oracle')}")
            found = json.loads(str(self._constant(call.expressions[0])))
        else:
            found = [self._constant(value) for value in tree.expressions]
        return set(found) - {None, ""}

    def _constant(self, tree: exp.Expr) -> Value:
        if isinstance(tree, exp.Placeholder):
            return self._values[bind_name(str(tree.this))]
        if isinstance(tree, exp.Literal):
            return str(tree.this) if tree.is_string else Decimal(tree.this)
        raise OracleError(3115, f"typed tables do not know {tree.sql('oracle')}")


def lob_of_length(tree: exp.Expr) -> exp.Expr | None:
    """What DBMS_LOB.GETLENGTH is asked for; None for any other expression."""
    if isinstance(tree, exp.Dot) and tree.this.name.upper() == "DBMS_LOB":
        call = tree.expression
        if call.name.upper() == "GETLENGTH":
            only: exp.Expr = call.expressions[0]
            return only
    return None


def _unless_null(of: Callable[[Row], Any], then: Callable[[Any], Any]) -> Callable[[Row], Any]:
    def value(row: Row) -> Any:
        found = of(row)
        return None if found is None else then(found)

    return value


def text_minimum(value: int | Decimal) -> str:
    """``TO_CHAR(value, 'TM9')``: all digits, no zero in front of the point; beyond 64 characters with an exponent."""
    exact = Decimal(value)
    text = format(exact, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("", "-", "-0"):
        text = "0"
    sign = "-" if text.startswith("-") else ""
    bare = text.removeprefix("-")
    short = sign + (bare[1:] if bare.startswith("0.") else bare)
    if len(short) <= 64:
        return short
    digits = "".join(map(str, exact.as_tuple().digits)).lstrip("0")
    exponent = exact.adjusted()
    fraction = digits[1:].rstrip("0")
    mantissa = digits[0] + (f".{fraction}" if fraction else "")
    return f"{sign}{mantissa}E{'-' if exponent < 0 else '+'}{abs(exponent):02}"


def text_of_time(value: Any) -> str:
    """``TO_CHAR`` with nine digits of a second's fraction."""
    time = Moment.of(value)
    day = f"{time.year:04}-{time.month:02}-{time.day:02}"
    return f"{day}T{time.hour:02}:{time.minute:02}:{time.second:02}.{time.nanosecond:09}"


_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "TM9": text_minimum,
    'YYYY-MM-DD"T"HH24:MI:SS.FF9': text_of_time,
}
