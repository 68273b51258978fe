"""Faults on command, and how the real driver takes each of them."""

from __future__ import annotations

import asyncio
import time

import oracledb
import pytest

from tests.oracle import OracleServer, Table, types
from tests.oracle.conftest import QUERY, connect, connect_async, fetched

CLOSED = "DPY-4011"
"""The driver's name for every way of losing a connection."""


pytestmark = pytest.mark.usefixtures("wide_rows")


def test_a_delay_is_only_slow(server: OracleServer, connection: oracledb.Connection) -> None:
    fault = server.faults.delay(0.2, call="fetch", times=2)
    rows: list[tuple[object, ...]] = []
    before = time.monotonic()
    fetched(connection, rows)
    assert len(rows) == 1000
    assert time.monotonic() - before >= 0.4
    assert fault.struck == 2


def test_a_connection_cut_in_the_middle_of_a_fetch(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    server.faults.cut(rows=450)
    rows: list[tuple[object, ...]] = []
    with pytest.raises(oracledb.DatabaseError, match=CLOSED) as caught:
        fetched(connection, rows)
    assert caught.value.args[0].isrecoverable
    assert len(rows) == 400
    assert not connection.is_healthy()


async def test_a_cut_reaches_the_asynchronous_driver(server: OracleServer) -> None:
    server.faults.cut(call="fetch", rows=450)
    connection = await connect_async(server)
    with pytest.raises(oracledb.DatabaseError, match=CLOSED):
        await connection.fetchall(QUERY, arraysize=100)
    assert not connection.is_healthy()


@pytest.mark.parametrize("code", (28, 3113))
@pytest.mark.parametrize("rows", (300, 333))
async def test_a_killed_session_is_gone(server: OracleServer, code: int, rows: int) -> None:
    connection = await connect_async(server)
    server.faults.fail(code, call="fetch", rows=rows)
    with pytest.raises(oracledb.DatabaseError, match=f"{CLOSED}.*\n?.*ORA-{code:05}") as caught:
        await connection.fetchall(QUERY, arraysize=100)
    assert caught.value.args[0].isrecoverable
    assert not connection.is_healthy()
    await asyncio.to_thread(server.wait_until, lambda: not server.sessions)


def test_all_sessions_can_be_killed(server: OracleServer, connection: oracledb.Connection) -> None:
    server.kill_sessions()
    with pytest.raises(oracledb.DatabaseError, match="ORA-00028"):
        connection.ping()
    with connect(server) as other:
        other.ping()


def test_an_error_in_the_middle_of_the_rows_leaves_the_session(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    server.faults.fail(1555, call="fetch", rows=250)
    rows: list[tuple[object, ...]] = []
    with pytest.raises(oracledb.DatabaseError, match="ORA-01555: snapshot too old"):
        fetched(connection, rows)
    assert len(rows) == 200
    rows.clear()
    fetched(connection, rows)
    assert len(rows) == 1000


async def test_an_error_in_the_middle_of_the_rows_for_the_asynchronous_driver(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    server.faults.fail(1555, call="fetch", rows=250, statement="FROM N")
    with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
        await async_connection.fetchall(QUERY, arraysize=100)
    assert len(await async_connection.fetchall(QUERY)) == 1000


async def test_a_fault_strikes_the_statement_it_is_meant_for(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    fault = server.faults.fail(1031, call="execute", statement="from n$")
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)
    with pytest.raises(oracledb.DatabaseError, match="ORA-01031"):
        await async_connection.fetchall(QUERY)
    assert fault.struck == 1


async def test_a_fault_can_let_calls_pass_and_be_meant_for_one_session(server: OracleServer) -> None:
    async with connect_async(server) as first, connect_async(server) as second:
        server.faults.fail(1555, call="fetch", session=2, after=3)
        assert len(await first.fetchall(QUERY, arraysize=50)) == 1000
        cursor = second.cursor()
        cursor.arraysize = cursor.prefetchrows = 50
        await cursor.execute(QUERY)
        assert len(await cursor.fetchmany(200)) == 200
        with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
            await cursor.fetchmany(1)


async def test_a_session_that_is_cut_while_it_logs_on(server: OracleServer) -> None:
    server.faults.cut(call="connect")
    with pytest.raises(oracledb.DatabaseError, match=CLOSED):
        await connect_async(server)
    server.faults.fail(1033, call="logon")
    with pytest.raises(oracledb.DatabaseError, match="ORA-01033") as caught:
        await connect_async(server)
    assert caught.value.args[0].isrecoverable


def test_rows_that_change_between_two_reads(server: OracleServer, connection: oracledb.Connection) -> None:
    def read(as_of: int | None = None) -> object:
        clause, binds = ("", []) if as_of is None else (" AS OF SCN :scn", [as_of])
        return connection.cursor().execute(f"SELECT * FROM T{clause}", binds).fetchall()

    table = Table.of({"A": types.number()}, [(1,)])
    server.data.tables.put("T", table)
    (scn,) = (
        connection.cursor().execute("SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL").fetchone()
    )
    server.data.tables.put("T", Table(table.columns, [(2,), (3,)]))
    assert read() == [(2,), (3,)]
    assert read(scn) == [(1,)]
    with pytest.raises(oracledb.DatabaseError, match="ORA-08181"):
        read(scn + 10**9)
    server.data.clock.forget()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
        read(scn)
    assert read() == [(2,), (3,)]


def test_duckdbs_rows_change_too_and_are_kept_for_earlier_readers(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    duck = server.data.duck
    assert duck is not None
    duck.execute("CREATE TABLE D AS SELECT 1 AS A")
    scns = []
    cursor = connection.cursor()
    for value in (2, 3):
        scns.append(cursor.execute("SELECT CURRENT_SCN FROM V$DATABASE").fetchone()[0])
        duck.change(f"UPDATE D SET A = {value}")
    assert cursor.execute("SELECT A FROM D").fetchall() == [(3,)]
    assert [cursor.execute("SELECT A FROM D AS OF SCN :s d", s=scn).fetchall() for scn in scns] == [
        [(1,)],
        [(2,)],
    ]
