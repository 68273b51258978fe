"""A real Oracle database in the place of the loopback server, for the tests that can do with either.

It is the one that TRACE_ORACLE_TEST_DSN, _USER and _PASSWORD name; without them those tests are skipped. Tables are made in
that account's schema under the names the tests give them, with ``TS_`` in front, and dropped at the end.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import oracledb
import pytest

from tests.oracle import types
from tests.oracle.tables import Table
from tests.oracle.times import Moment
from tests.oracle.types import Column, OracleType

PREFIX = "TS_"
_TIME = 'SYYYY-MM-DD"T"HH24:MI:SS.FF9'


@dataclass
class RealOracle:
    """As far as tests use :class:`tests.oracle.server.OracleServer`: where it is, and tables of typed values."""

    dsn: str
    user: str
    password: str
    sessions: dict[int, object] = field(default_factory=dict)
    _made: list[str] = field(default_factory=list)

    @property
    def data(self) -> RealOracle:
        return self

    @property
    def tables(self) -> RealOracle:
        return self

    def name(self, name: str) -> str:
        """What that table is called here."""
        return PREFIX + name

    def put(self, name: str, table: Table) -> None:
        """Makes the table anew with these rows."""
        real = self.name(name)
        columns = ", ".join(f"{column.name} {ddl(column.type)}" for column in table.columns)
        with self._connected() as connection, connection.cursor() as cursor:
            with suppress(oracledb.DatabaseError):
                cursor.execute(f"DROP TABLE {real} PURGE")
            cursor.execute(f"CREATE TABLE {real} ({columns})")
            self._made.append(real)
            self._fill(cursor, real, table)
            connection.commit()

    @staticmethod
    def _fill(cursor: oracledb.Cursor, real: str, table: Table) -> None:
        for row in table.rows:
            items, kinds, values = [], [], []
            for column, value in zip(table.columns, row, strict=True):
                if value is not None and not value and column.type.is_lob:
                    # An empty text would be bound as NULL.
                    items.append("EMPTY_BLOB()" if column.type.code == types.BLOB else "EMPTY_CLOB()")
                    continue
                kinds.append(input_type(column.type))
                values.append(value_of(value))
                items.append(bind(len(values), column))
            cursor.setinputsizes(*kinds)
            cursor.execute(f"INSERT INTO {real} VALUES ({', '.join(items)})", values)

    def drop(self) -> None:
        """Removes all tables that were made."""
        with self._connected() as connection, connection.cursor() as cursor:
            for real in dict.fromkeys(self._made):
                cursor.execute(f"DROP TABLE {real} PURGE")

    @contextmanager
    def _connected(self) -> Iterator[oracledb.Connection]:
        with oracledb.connect(user=self.user, password=self.password, dsn=self.dsn) as connection:
            yield connection


def ddl(kind: OracleType) -> str:
    """The type as CREATE TABLE wants it."""
    national = kind.form == types.NATIONAL_TEXT
    if kind.code == types.NUMBER:
        if kind.scale == -127:
            return f"FLOAT({kind.precision})" if kind.precision else "NUMBER"
        return f"NUMBER({kind.precision},{kind.scale})"
    if kind.code == types.VARCHAR:
        return f"NVARCHAR2({kind.size})" if national else f"VARCHAR2({min(kind.size, 1000)} CHAR)"
    if kind.code == types.CHAR:
        return f"NCHAR({kind.size})" if national else f"CHAR({kind.size} CHAR)"
    if kind.code == types.CLOB:
        return "NCLOB" if national else "CLOB"
    zones = {
        types.TIMESTAMP: "",
        types.TIMESTAMP_TZ: " WITH TIME ZONE",
        types.TIMESTAMP_LTZ: " WITH LOCAL TIME ZONE",
    }
    if kind.code in zones:
        return f"TIMESTAMP({kind.scale}){zones[kind.code]}"
    plain = {
        types.DATE: "DATE",
        types.BLOB: "BLOB",
        types.BINARY_DOUBLE: "BINARY_DOUBLE",
        types.BINARY_FLOAT: "BINARY_FLOAT",
        types.INTERVAL_DS: "INTERVAL DAY TO SECOND",
    }
    return f"RAW({kind.buffer_size})" if kind.code == types.RAW else plain[kind.code]


def bind(number: int, column: Column) -> str:
    """The bind of a value, a time read from its text: the driver's own times have six digits and no zone."""
    if column.type.code in (types.TIMESTAMP_TZ, types.TIMESTAMP_LTZ):
        return f"TO_TIMESTAMP_TZ(:{number}, '{_TIME} TZH:TZM')"
    if column.type.code in (types.TIMESTAMP, types.DATE):
        return f"TO_TIMESTAMP(:{number}, '{_TIME}')"
    return f":{number}"


def value_of(value: Any) -> Any:
    """A value as it is bound."""
    if not isinstance(value, (datetime.date, Moment)):
        return value
    time = Moment.of(value)
    clock = f"{time.hour:02}:{time.minute:02}:{time.second:02}.{time.nanosecond:09}"
    text = f"{'-' if time.year < 0 else ' '}{abs(time.year):04}-{time.month:02}-{time.day:02}T{clock}"
    if time.offset is None:
        return text
    sign = "-" if time.offset < 0 else "+"
    hours, minutes = divmod(abs(time.offset), 60)
    return f"{text} {sign}{hours:02}:{minutes:02}"


def input_type(kind: OracleType) -> Any:
    """What the bind is declared as, so that nothing is converted on the way."""
    national = kind.form == types.NATIONAL_TEXT
    known = {
        types.BINARY_DOUBLE: oracledb.DB_TYPE_BINARY_DOUBLE,
        types.BINARY_FLOAT: oracledb.DB_TYPE_BINARY_FLOAT,
        types.NUMBER: oracledb.DB_TYPE_NUMBER,
        types.RAW: oracledb.DB_TYPE_RAW,
        types.BLOB: oracledb.DB_TYPE_BLOB,
        types.INTERVAL_DS: oracledb.DB_TYPE_INTERVAL_DS,
        types.CLOB: oracledb.DB_TYPE_NCLOB if national else oracledb.DB_TYPE_CLOB,
    }
    return known.get(kind.code, oracledb.DB_TYPE_NVARCHAR if national else oracledb.DB_TYPE_VARCHAR)


@contextmanager
def real_oracle() -> Iterator[RealOracle]:
    """The database that the environment names; skips the test without one."""
    named = [os.environ.get(f"TRACE_ORACLE_TEST_{what}", "") for what in ("DSN", "USER", "PASSWORD")]
    if not all(named):
        pytest.skip("TRACE_ORACLE_TEST_DSN, _USER and _PASSWORD name no database")
    dsn, user, password = named
    real = RealOracle(dsn, user, password)
    try:
        yield real
    finally:
        real.drop()
