"""Executing and fetching: how many round trips, what is described, and what a cursor does when it is used again."""

from __future__ import annotations

import math
from collections.abc import Iterator

import oracledb
import pytest

from tests.oracle import OracleServer, Table, types
from tests.oracle.conftest import connect
from tests.oracle.session import Session

WIDE = "x" * 300


@pytest.fixture
def numbered(server: OracleServer) -> OracleServer:
    """A table N of 1,000 rows, numbered from 0, each wider than a packet's share."""
    columns = {"ID": types.number(10), "NAME": types.varchar2(), "WIDE": types.varchar2()}
    server.data.tables.put("N", Table.of(columns, [(i, f"row {i}", WIDE) for i in range(1000)]))
    return server


@pytest.fixture
def session(numbered: OracleServer, connection: oracledb.Connection) -> Iterator[Session]:
    """The server's side of the connection."""
    yield numbered.sessions[1]


def calls(session: Session, cursor: oracledb.Cursor, **binds: object) -> tuple[int, list[tuple[object, ...]]]:
    """Round trips that it takes to execute and fetch everything, and the rows."""
    before = session.calls
    cursor.execute("SELECT * FROM N", binds)
    return session.calls - before, cursor.fetchall()


@pytest.mark.parametrize(
    ("prefetch", "array", "trips"),
    (
        (2, 100, 1 + 10),
        (0, 100, 1 + 11),
        (1001, 100, 1),
        (1000, 100, 1 + 1),
        (1, 1000, 1 + 1),
        (500, 250, 1 + 3),
    ),
)
def test_prefetch_and_array_size_are_honoured(
    session: Session, connection: oracledb.Connection, prefetch: int, array: int, trips: int
) -> None:
    cursor = connection.cursor()
    cursor.prefetchrows, cursor.arraysize = prefetch, array
    before = session.calls
    rows = cursor.execute("SELECT * FROM N").fetchall()
    assert session.calls - before == trips
    assert rows == [(i, f"row {i}", WIDE) for i in range(1000)]


def test_rows_come_only_when_they_are_asked_for(session: Session, connection: oracledb.Connection) -> None:
    cursor = connection.cursor()
    cursor.prefetchrows, cursor.arraysize = 10, 10
    cursor.execute("SELECT * FROM N")
    assert [row[0] for row in cursor.fetchmany(10)] == list(range(10))
    before = session.calls
    assert [row[0] for row in cursor.fetchmany(25)] == list(range(10, 35))
    assert session.calls - before == 3
    assert cursor.rowcount == 35


async def test_the_asynchronous_driver_fetches_over_many_round_trips(
    numbered: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    cursor = async_connection.cursor()
    cursor.prefetchrows, cursor.arraysize = 7, 70
    await cursor.execute("SELECT ID, NAME FROM N")
    assert [row async for row in cursor] == [(i, f"row {i}") for i in range(1000)]
    assert numbered.sessions[1].calls == 1 + math.ceil((1000 - 7 + 1) / 70)


def test_a_statement_executed_again_is_not_parsed_again(
    session: Session, server: OracleServer, connection: oracledb.Connection
) -> None:
    for wanted in (3, 5, 3):
        with connection.cursor() as cursor:
            cursor.execute("SELECT NAME FROM N WHERE ID = :id", id=wanted)
            assert cursor.fetchall() == [(f"row {wanted}",)]
    assert session.open_cursors == 1
    assert server.counts["parse"] == 1
    assert server.counts["reexecute"] == 2


def test_a_cursor_the_driver_lets_go_is_closed(numbered: OracleServer) -> None:
    with connect(numbered, stmtcachesize=0) as connection:
        for _ in range(3):
            with connection.cursor() as cursor:
                cursor.execute("SELECT NAME FROM N WHERE ID = 1")
        connection.ping()
        assert numbered.sessions[1].open_cursors == 0


def test_a_query_can_be_left_in_the_middle_and_run_again(
    connection: oracledb.Connection, session: Session
) -> None:
    cursor = connection.cursor()
    cursor.arraysize = 10
    cursor.execute("SELECT ID FROM N")
    assert cursor.fetchmany(5) == [(i,) for i in range(5)]
    cursor.execute("SELECT ID FROM N")
    assert cursor.fetchall() == [(i,) for i in range(1000)]
    assert session.open_cursors == 1


def test_a_query_run_again_is_described_again_when_its_columns_have_changed(
    connection: oracledb.Connection, server: OracleServer
) -> None:
    server.data.tables.put("T", Table.of({"A": types.number(5)}, [(1,)]))
    assert connection.cursor().execute("SELECT * FROM T").fetchall() == [(1,)]
    server.data.tables.put("T", Table.of({"A": types.varchar2(5), "B": types.number()}, [("one", 2)]))
    assert connection.cursor().execute("SELECT * FROM T").fetchall() == [("one", 2)]


def test_a_column_that_is_null_by_its_description_has_no_bytes(
    connection: oracledb.Connection, session: Session
) -> None:
    statement = "SELECT NULL AS A, ID, NULL AS B FROM N WHERE ID IN (1, 2)"
    assert connection.cursor().execute(statement).fetchall() == [(None, 1, None), (None, 2, None)]
    frame = connection.fetch_df_all(statement, fetch_decimals=True)
    assert [column.null_count for column in frame.column_arrays()] == [2, 0, 2]


def test_parsing_describes_without_rows(connection: oracledb.Connection, server: OracleServer) -> None:
    columns = {
        "V": types.varchar2(20),
        "NV": types.nvarchar2(30),
        "C": types.char(4),
        "N": types.number(),
        "P": types.number(12, 4),
        "F": types.float_(63),
        "D": types.date(),
        "T": types.timestamp(3),
        "Z": types.timestamp_tz(9),
        "R": types.raw(16),
        "L": types.clob(),
        "B": types.blob(),
    }
    server.data.tables.put("T", Table.of(columns))
    with connection.cursor() as cursor:
        cursor.parse("SELECT * FROM T WHERE V = :v")
        described = {
            info.name: (
                info.type_code.name.removeprefix("DB_TYPE_"),
                info.precision,
                info.scale,
                info.display_size,
            )
            for info in cursor.description
        }
    assert described == {
        "V": ("VARCHAR", None, None, 20),
        "NV": ("NVARCHAR", None, None, 30),
        "C": ("CHAR", None, None, 4),
        "N": ("NUMBER", 0, -127, 127),
        "P": ("NUMBER", 12, 4, 18),
        "F": ("NUMBER", 63, -127, 64),
        "D": ("DATE", None, None, 23),
        "T": ("TIMESTAMP", 0, 3, 23),
        "Z": ("TIMESTAMP_TZ", 0, 9, 23),
        "R": ("RAW", None, None, 16),
        "L": ("CLOB", None, None, None),
        "B": ("BLOB", None, None, None),
    }


def test_an_in_list_of_a_thousand_binds_spans_packets(
    connection: oracledb.Connection, session: Session
) -> None:
    names = {f"c{i}": i * 2 for i in range(1000)}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ID FROM N WHERE ID IN ({', '.join(':' + name for name in names)})", names)
        assert cursor.fetchall() == [(i,) for i in range(0, 1000, 2)]


def test_a_longer_in_list_is_ora_01795(connection: oracledb.Connection, session: Session) -> None:
    with pytest.raises(oracledb.DatabaseError, match="ORA-01795"):
        connection.cursor().execute(f"SELECT ID FROM N WHERE ID IN ({', '.join(map(str, range(1001)))})")


@pytest.mark.parametrize(
    ("statement", "code"),
    (
        ("SELECT ID FROM NOWHERE", "ORA-00942"),
        ("SELECT NOTHING FROM N", "ORA-00904"),
        ("SELECT FROM WHERE", "ORA-00900"),
    ),
)
def test_an_error_has_its_number_and_leaves_the_session_usable(
    connection: oracledb.Connection, session: Session, statement: str, code: str
) -> None:
    with pytest.raises(oracledb.DatabaseError, match=code):
        connection.cursor().execute(statement)
    with pytest.raises(oracledb.DatabaseError, match=code):
        connection.cursor().parse(statement)
    assert connection.cursor().execute("SELECT ID FROM N WHERE ID = 1").fetchall() == [(1,)]


async def test_an_error_leaves_an_asynchronous_session_usable(
    async_connection: oracledb.AsyncConnection, numbered: OracleServer
) -> None:
    with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
        await async_connection.execute("SELECT ID FROM NOWHERE")
    assert await async_connection.fetchall("SELECT ID FROM N WHERE ID = 1") == [(1,)]


def test_values_that_repeat_are_left_out_and_come_back(
    connection: oracledb.Connection, server: OracleServer
) -> None:
    rows = [(i // 100, "same", None if i % 7 else i, b"\1" * (i // 50)) for i in range(500)]
    columns = {"A": types.number(), "B": types.varchar2(), "C": types.number(), "D": types.raw()}
    server.data.tables.put("T", Table.of(columns, rows))
    cursor = connection.cursor()
    cursor.arraysize = 30
    expected = [(a, b, c, d or None) for a, b, c, d in rows]
    assert cursor.execute("SELECT * FROM T").fetchall() == expected
    assert server.sessions[1].bytes_sent < 500 * 20
