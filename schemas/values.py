"""What each database type becomes in the answer: one table (design: "The job topic", Values).

Rules. A number is a JSON number with all its digits, never through a double. Times are ISO 8601, with a zone only where the type
has one; a fraction of a second has 0, 3, 6 or 9 digits, as many as the value needs. NULL is null, and so are NaN and the
infinities, which JSON does not have. Bytes are lower-case hexadecimal. A type that is not in the table is refused before a
row is read: the query has to cast it. ``docs/values.md`` is this table; a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JsonForm(StrEnum):
    """How a value looks in a record, unless it is null."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    STRING = "string"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMP_WITH_ZONE = "timestamp with zone"
    HEX = "hex"


class Database(StrEnum):
    """The databases the table knows."""

    ORACLE = "oracle"
    DUCKDB = "duckdb"


class UnsupportedType(ValueError):
    """A database type without a rule; the message names the column, the type and what to do."""


@dataclass(frozen=True, slots=True)
class TypeRule:
    """One row of the table. ``exact_digits`` is the most significant digits a value can have, None where the type's
    precision says it; a double holds 15 of any decimal number."""

    oracle: tuple[str, ...]
    duckdb: tuple[str, ...]
    arrow: str
    json: JsonForm
    example: str
    note: str = ""
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a domain as ``domain_start`` describes it."""

    name: str
    database_type: str
    json: JsonForm
    exact_as_double: bool | None = None
    """Numbers only: whether every value of the type survives a double, as JavaScript reads it."""

    def document(self) -> dict[str, Any]:
        """The member of ``columns``."""
        member: dict[str, Any] = {"name": self.name, "type": self.database_type, "json": self.json.value}
        if self.exact_as_double is not None:
            member["exact_as_double"] = self.exact_as_double
        return member


DOUBLE_DIGITS = 15
"""Decimal digits that always survive a double (IEEE 754 binary64)."""

TYPES: tuple[TypeRule, ...] = (
    TypeRule(
        ("NUMBER(p≤15,s)",),
        ("DECIMAL(p≤15,s)",),
        "decimal128(p, s)",
        JsonForm.NUMBER,
        "12.50",
        "with the column's scale",
    ),
    TypeRule(
        ("NUMBER(p>15,s)",),
        ("DECIMAL(p>15,s)",),
        "decimal128(p, s)",
        JsonForm.NUMBER,
        "12345678901234567890.1234567890",
        "with the column's scale; a value wider than the declared precision fails the job",
    ),
    TypeRule(("NUMBER", "FLOAT"), (), "string", JsonForm.NUMBER, "0.1", "without trailing zeros", digits=40),
    TypeRule(
        (), ("TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"), "int8 … uint16", JsonForm.NUMBER, "42", digits=5
    ),
    TypeRule((), ("INTEGER", "UINTEGER"), "int32, uint32", JsonForm.NUMBER, "42", digits=10),
    TypeRule((), ("BIGINT", "UBIGINT"), "int64, uint64", JsonForm.NUMBER, "9223372036854775807", digits=20),
    TypeRule(
        (),
        ("HUGEINT",),
        "decimal128(38, 0)",
        JsonForm.NUMBER,
        "99999999999999999999999999999999999999",
        "from 10^38 on it fails the job",
        digits=39,
    ),
    TypeRule(
        ("BINARY_DOUBLE",),
        ("DOUBLE",),
        "float64",
        JsonForm.NUMBER,
        "1.5e-300",
        "shortest digits that give the same double; NaN and infinities are null",
        digits=0,
    ),
    TypeRule(
        ("BINARY_FLOAT",),
        ("FLOAT",),
        "float32",
        JsonForm.NUMBER,
        "0.1",
        "shortest digits that give the same float; NaN and infinities are null",
        digits=0,
    ),
    TypeRule(("BOOLEAN",), ("BOOLEAN",), "bool", JsonForm.BOOLEAN, "true"),
    TypeRule(
        ("VARCHAR2", "NVARCHAR2", "CHAR", "NCHAR", "LONG"),
        ("VARCHAR", "ENUM", "UUID", "JSON"),
        "string",
        JsonForm.STRING,
        '"膠量正常"',
        "CHAR keeps the blanks the database sends; JSON stays a text",
    ),
    TypeRule(
        ("CLOB", "NCLOB"),
        (),
        "large_string",
        JsonForm.STRING,
        '"…"',
        "inline; above `TRACE_LOB_BYTES` the job fails, and the value stays in the database",
    ),
    TypeRule((), ("DATE",), "date32", JsonForm.DATE, '"2026-01-31"', "years 0001 to 9999"),
    TypeRule(
        ("DATE",),
        ("TIMESTAMP_S",),
        "timestamp[s]",
        JsonForm.TIMESTAMP,
        '"2026-01-31T23:59:59"',
        "years 0001 to 9999",
    ),
    TypeRule(
        ("TIMESTAMP",),
        ("TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS"),
        "timestamp[ms], [us], [ns]",
        JsonForm.TIMESTAMP,
        '"2026-01-31T23:59:59.120"',
        "years 0001 to 9999",
    ),
    TypeRule(
        ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP WITH LOCAL TIME ZONE"),
        ("TIMESTAMP WITH TIME ZONE",),
        "timestamp[us, UTC]",
        JsonForm.TIMESTAMP_WITH_ZONE,
        '"2026-01-31T22:59:59.120Z"',
        "the same moment in UTC",
    ),
    TypeRule((), ("TIME",), "time64[us]", JsonForm.TIME, '"23:59:59.120"'),
    TypeRule(("RAW", "LONG RAW", "BLOB"), ("BLOB",), "binary", JsonForm.HEX, '"00ff"'),
)

REFUSED: Mapping[Database, Mapping[str, str]] = {
    Database.ORACLE: {
        "INTERVAL_DS": "TO_CHAR(…)",
        "INTERVAL_YM": "TO_CHAR(…)",
        "ROWID": "ROWIDTOCHAR(…)",
        "UROWID": "CAST(… AS VARCHAR2(4000))",
        "JSON": "JSON_SERIALIZE(… RETURNING CLOB)",
        "XMLTYPE": "XMLSERIALIZE(CONTENT … AS CLOB)",
        "VECTOR": "FROM_VECTOR(… RETURNING CLOB)",
        "OBJECT": "its attributes, each as a column",
        "BFILE": "BFILENAME's parts, or leave it out",
        "CURSOR": "a join",
    },
    Database.DUCKDB: {},
}
"""Types that have no rule, and what to write in the query instead (… is the column). Any other one is refused as well."""

_DECIMALS = {Database.ORACLE: "NUMBER", Database.DUCKDB: "DECIMAL"}
_ARGUMENTS = re.compile(r"\s*\(([^()]*)\)")


def column(name: str, database: Database, database_type: str) -> Column:
    """The column of that name and type, the type spelled as the database spells it (``NUMBER(12,2)``, ``BIGINT``).

    Raises UnsupportedType when the table has no rule for it.
    """
    base = _ARGUMENTS.sub("", database_type).strip().upper()
    arguments = _ARGUMENTS.search(database_type)
    if base == _DECIMALS[database] and arguments:
        precision = int(arguments[1].split(",")[0])
        return Column(name, database_type, JsonForm.NUMBER, precision <= DOUBLE_DIGITS)
    rule = _RULES[database].get(base)
    if rule is None:
        instead = REFUSED[database].get(base, "cast it to a text for instance")
        raise UnsupportedType(
            f"column {name} has the type {database_type}, for which there is no rule: "
            f"write something else in the query ({instead})"
        )
    exact = None if rule.json is not JsonForm.NUMBER else (rule.digits or 0) <= DOUBLE_DIGITS
    return Column(name, database_type, rule.json, exact)


def _by_type(database: Database) -> Mapping[str, TypeRule]:
    return {name: rule for rule in TYPES for name in getattr(rule, database.value) if "(" not in name}


_RULES = {database: _by_type(database) for database in Database}


def table() -> str:
    """The table as Markdown, for ``docs/values.md``."""
    lines = ["| Oracle | DuckDB | Arrow | JSON | example | |", "| --- | --- | --- | --- | --- | --- |"]
    for rule in TYPES:
        cells = (
            ", ".join(rule.oracle),
            ", ".join(rule.duckdb),
            rule.arrow,
            rule.json.value,
            f"`{rule.example}`",
            rule.note,
        )
        lines.append("| " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def refused_table() -> str:
    """Oracle's types without a rule as Markdown, for ``docs/values.md``."""
    lines = ["| Oracle | write instead |", "| --- | --- |"]
    lines += [f"| {name} | {instead} |" for name, instead in REFUSED[Database.ORACLE].items()]
    return "\n".join(lines) + "\n"
