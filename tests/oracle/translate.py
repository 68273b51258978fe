"""Oracle's SQL as DuckDB's."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from sqlglot import exp

from tests.oracle.binds import Value
from tests.oracle.statements import Statement, bind_name
from tests.oracle.tables import lob_of_length

_PLACEHOLDER = re.compile(r"'(?:[^']|'')*'|\$(\w+)")
_FORMATS = {"TM9": "tm9", 'YYYY-MM-DD"T"HH24:MI:SS.FF9': "ff9"}
"""Macros of :mod:`tests.oracle.duck` for the formats of TO_CHAR that the source uses."""


def translated(statement: Statement, values: Mapping[str, Value], schema: str | None) -> str:
    """The statement for DuckDB, reading tables of that schema if one is named. The values stand in it as literals: only by
    those does DuckDB pass over row groups."""

    def literal(found: re.Match[str]) -> str:
        return found[0] if found[1] is None else _literal(values[bind_name(found[1])])

    return _PLACEHOLDER.sub(literal, _template(statement, schema))


@lru_cache(maxsize=512)
def _template(statement: Statement, schema: str | None) -> str:
    tree = statement.tree.copy()
    for call in list(tree.find_all(exp.ToChar)):
        macro = _FORMATS.get(call.args["format"].this) if call.args.get("format") else None
        if macro is not None:
            call.replace(exp.Anonymous(this=macro, expressions=[call.this]))
    for dotted in list(tree.find_all(exp.Dot)):
        if (lob := lob_of_length(dotted)) is not None:
            dotted.replace(exp.Anonymous(this="lob_length", expressions=[lob.copy()]))
    own = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table) if schema else ():
        if table.name and table.name.upper() not in own | {"DUAL"}:
            table.set("db", exp.to_identifier(schema))
            table.set("catalog", exp.to_identifier("memory"))
    text: str = tree.sql(dialect="duckdb")
    return text


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (int, Decimal)):
        return format(Decimal(value), "f")
    if isinstance(value, datetime.datetime):
        return f"TIMESTAMP{'TZ' if value.tzinfo else ''} '{value.isoformat(' ')}'"
    if isinstance(value, bytes):
        return "from_hex('" + value.hex() + "')"
    return f"'{value!r}'::DOUBLE"
