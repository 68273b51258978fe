"""DuckDB as the data behind the server: Oracle's SQL translated, DuckDB's results with Oracle's types.

One DuckDB connection a session, in its own thread. What a test changes is kept as a state of its own, so that a query as of an
earlier SCN finds the former rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.oracle import types
from tests.oracle.binds import Value
from tests.oracle.clock import Clock
from tests.oracle.errors import OracleError
from tests.oracle.rows import Result
from tests.oracle.statements import Statement
from tests.oracle.translate import translated
from tests.oracle.types import Column, OracleType

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_MACROS = """
CREATE MACRO tm9(x) AS regexp_replace(CASE WHEN contains(x::VARCHAR, '.')
    THEN rtrim(rtrim(x::VARCHAR, '0'), '.') ELSE x::VARCHAR END, '^(-?)0\\.', '\\1.');
CREATE MACRO ff9(x) AS strftime(x::TIMESTAMP_NS, '%Y-%m-%dT%H:%M:%S.%n');
CREATE MACRO SYS_EXTRACT_UTC(x) AS timezone('UTC', x);
CREATE MACRO lob_length(x) AS CASE WHEN typeof(x) = 'BLOB' THEN octet_length(x::BLOB) ELSE length(x::VARCHAR) END;
CREATE MACRO json_ids(x) AS TABLE SELECT unnest(from_json(x, '["VARCHAR"]')) AS id;
CREATE TABLE DUAL AS SELECT 'X' AS DUMMY;
"""
_TYPES: Mapping[str, OracleType] = {
    "TINYINT": types.number(3),
    "SMALLINT": types.number(5),
    "INTEGER": types.number(10),
    "BIGINT": types.number(19),
    "UBIGINT": types.number(20),
    "HUGEINT": types.number(),
    "BOOLEAN": types.number(1),
    "DOUBLE": types.binary_double(),
    "FLOAT": types.binary_float(),
    "VARCHAR": types.varchar2(),
    "BLOB": types.raw(),
    "DATE": types.date(),
    "TIMESTAMP_S": types.date(),
    "TIMESTAMP_MS": types.timestamp(3),
    "TIMESTAMP": types.timestamp(6),
    "TIMESTAMP_NS": types.timestamp(9),
    "TIMESTAMP WITH TIME ZONE": types.timestamp_tz(6),
}
"""How ``deploy/oracle`` has the demo's columns."""


class Duck:
    """A database: tables of its own and, if a file is given, those in it, which are only read."""

    def __init__(
        self, clock: Clock, file: Path | None = None, columns: Mapping[str, OracleType] | None = None
    ) -> None:
        """``columns``: types of columns by name where they differ from what DuckDB's type would be (a CLOB, say)."""
        self._clock = clock
        self.columns = {name.upper(): kind for name, kind in (columns or {}).items()}
        self._connection = duckdb.connect(":memory:", config={"threads": 2})
        self._connection.execute(_MACROS)
        self._file = file
        if file is not None:
            path = str(file).replace("'", "''")
            self._connection.execute(f"ATTACH '{path}' AS plant (READ_ONLY)")
        self._states: list[tuple[int, str]] = []
        """Until which SCN the tables in that schema were the present ones, oldest first."""

    def session(self) -> DuckSession:
        cursor = self._connection.cursor()
        if self._file is not None:
            cursor.execute("SET search_path = 'memory.main,plant.main'")
        return DuckSession(self, cursor)

    def execute(self, sql: str) -> None:
        """DuckDB's SQL, as the owner of the data: to set up what the test needs."""
        self._connection.execute(sql)
        self._clock.change()

    def change(self, sql: str) -> None:
        """Change the data with DuckDB's SQL, keeping what was for queries as of an earlier SCN."""
        cursor = self._connection.cursor()
        schema = f"before_{len(self._states) + 1}"
        cursor.execute(f"CREATE SCHEMA memory.{schema}")
        own = set(self._names("memory"))
        for name in sorted(own | set(self._names("plant"))):
            origin = "memory" if name in own else "plant"
            cursor.execute(f'CREATE TABLE memory.{schema}."{name}" AS SELECT * FROM {origin}.main."{name}"')
            if name not in own:
                cursor.execute(f'CREATE TABLE memory.main."{name}" AS SELECT * FROM plant.main."{name}"')
        self._states.append((self._clock.read(), schema))
        cursor.execute(sql)
        self._clock.change()
        cursor.close()

    def _names(self, database: str) -> Iterable[str]:
        found = self._connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'main'",
            [database],
        )
        return [name for (name,) in found.fetchall()]

    def schema_at(self, scn: int | None) -> str | None:
        """Where the tables as of then are; None where the present ones are meant."""
        return next((schema for until, schema in self._states if scn is not None and scn <= until), None)

    def changed(self) -> None:
        """Somebody has changed rows: what was read before need not be what is read now."""
        self._clock.change()

    def close(self) -> None:
        self._connection.close()


class DuckSession:
    """One session's DuckDB connection. Its methods block; :meth:`interrupt` may be called from another thread."""

    def __init__(self, duck: Duck, cursor: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._cursor = cursor
        self.in_transaction = False

    def query(self, statement: Statement, values: Mapping[str, Value], scn: int | None) -> Result:
        """Raises OracleError."""
        found = self._run(translated(statement, values, self._duck.schema_at(scn)))
        columns = [self._column(name, str(kind)) for name, kind, *_ in found.description]
        return Result(tuple(columns), found.fetchall())

    def describe(self, statement: Statement) -> Result:
        """The columns, without running it."""
        nothing = dict.fromkeys(statement.binds)
        query = translated(statement, nothing, None)
        found = self._run(f"SELECT * FROM ({query}) LIMIT 0")
        return Result(tuple(self._column(name, str(kind)) for name, kind, *_ in found.description), [])

    def change(self, statement: Statement, executions: Sequence[Mapping[str, Value]]) -> int:
        """An INSERT, UPDATE, DELETE or CREATE; rows touched."""
        if not self.in_transaction:
            self._cursor.begin()
            self.in_transaction = True
        self._duck.changed()
        touched = 0
        for values in executions:
            found = self._run(translated(statement, values, None)).fetchone()
            touched += int(found[0]) if found and isinstance(found[0], int) else 0
        return touched

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What DuckDB itself finds, for a test to compare with."""
        return self._run(sql).fetchall()

    def commit(self) -> None:
        if self.in_transaction:
            self._cursor.commit()
            self._duck.changed()
            self.in_transaction = False

    def rollback(self) -> None:
        if self.in_transaction:
            self._cursor.rollback()
            self._duck.changed()
            self.in_transaction = False

    def interrupt(self) -> None:
        self._cursor.interrupt()

    def close(self) -> None:
        self._cursor.close()

    def _run(self, sql: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._cursor.execute(sql)
        except duckdb.Error as error:
            raise _oracle_error(error) from error

    def _column(self, name: str, kind: str) -> Column:
        known = self._duck.columns.get(name.upper())
        if known is None and (decimal := _DECIMAL.fullmatch(kind)):
            known = types.number(int(decimal[1]), int(decimal[2]))
        if known is None:
            known = _TYPES.get(kind)
        if known is None:
            raise OracleError(3115, f"column {name}: DuckDB's {kind} has no type of Oracle's here")
        return Column(name.upper(), known)


def _oracle_error(error: duckdb.Error) -> OracleError:
    text = str(error).splitlines()[0]
    if isinstance(error, duckdb.InterruptException):
        return OracleError(1013)
    if isinstance(error, duckdb.CatalogException) and "Table" in text:
        return OracleError(942)
    if isinstance(error, duckdb.BinderException) and "column" in text:
        return OracleError(904, f"invalid identifier ({text})")
    if isinstance(error, duckdb.ParserException):
        return OracleError(900, f"invalid SQL statement ({text})")
    return OracleError(600, f"internal error code, arguments: [{text}]")
