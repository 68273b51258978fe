"""``tracestream data load``: the demo data from its DuckDB file into Oracle, for the composed deployment.

Rules: the tables are there (``deploy/oracle``); one that has rows is left alone, so that loading may be repeated. Each table is one
transaction, filled in slices, never held whole.
"""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any

import duckdb
import oracledb

from producers.sources.settings import SourceSettings
from tracestream import folders
from tracestream.data_command import ensure, tell
from tracestream.exits import CommandError, Exit
from tracestream.output import say
from tracestream.settings import load as load_settings

TABLES = ("MES_CONTAINERS", "MES_LOT_HISTORY", "MES_LOT_MATERIALS")
_SLICE = 2000


def load(arguments: Namespace) -> Exit:
    settings = load_settings(SourceSettings, os.environ)
    if not settings.oracle_dsn:
        raise CommandError(
            "TRACE_ORACLE_DSN is empty. Say where Oracle is, as host:1521/service.", Exit.USAGE
        )
    file = ensure(folders.data_folder(arguments.data_dir), arguments.scale, tell)
    try:
        with (
            oracledb.connect(
                user=settings.oracle_user,
                password=settings.oracle_password,
                dsn=settings.oracle_dsn,
                tcp_connect_timeout=settings.oracle_connect_seconds,
            ) as target,
            duckdb.connect(str(file), read_only=True) as source,
        ):
            for table in TABLES:
                say(f"{table}: {_copy(source, target, table):,} rows")
    except oracledb.Error as error:
        raise CommandError(f"Oracle: {error}") from None
    return Exit.OK


def _copy(source: duckdb.DuckDBPyConnection, target: oracledb.Connection, table: str) -> int:
    """Rows in the Oracle table afterwards."""
    with target.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - a constant of this module
        (there,) = cursor.fetchone() or (0,)
        if there:
            return int(there)
        rows = source.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
        names = [column[0] for column in rows.description]
        cursor.execute(f"SELECT {', '.join(names)} FROM {table} WHERE 1 = 0")  # noqa: S608
        cursor.setinputsizes(*[_input_size(column) for column in cursor.description or ()])
        binds = ", ".join(f":{number}" for number in range(1, len(names) + 1))
        statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({binds})"  # noqa: S608
        count = 0
        while piece := rows.fetchmany(_SLICE):
            cursor.executemany(statement, piece)
            count += len(piece)
        target.commit()
    return count


def _input_size(column: Any) -> Any:
    """The bind type of a column: without it the first slice's values would choose, and a double would go as a NUMBER."""
    is_text = column.type_code is oracledb.DB_TYPE_VARCHAR
    return column.internal_size if is_text else column.type_code
