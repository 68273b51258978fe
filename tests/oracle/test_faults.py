"""Faults on command, and how the real driver takes each of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import oracledb
import pytest

from tests.oracle import OracleServer, Table, types
from tests.oracle.conftest import connect, connect_async

QUERY = "SELECT ID, WIDE FROM N"
CLOSED = "DPY-4011"
"""The driver's name for every way of losing a connection."""


@pytest.fixture(autouse=True)
def numbered(server: OracleServer) -> Iterator[None]:
    """A table N of 1,000 rows of more than a packet each four."""
    columns = {"ID": types.number(10), "WIDE": types.varchar2()}
    server.data.tables.put("N", Table.of(columns, [(i, f"{i} " * 400) for i in range(1000)]))
    yield
    server.faults.clear()


def fetched(connection: oracledb.Connection, rows: list[tuple[object, ...]], array: int = 100) -> None:
    """Fetch everything into ``rows``, so that a failure leaves there what came before it."""
    cursor = connection.cursor()
    cursor.prefetchrows = cursor.arraysize = array
    rows.extend(cursor.execute(QUERY))


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


async def test_a_break_ends_a_stalled_call_with_ora_01013(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    fault = server.faults.stall(call="fetch")
    running = asyncio.create_task(async_connection.fetchall(QUERY, arraysize=100))
    while not fault.struck:
        await asyncio.sleep(0.005)
    async_connection.cancel()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        await running
    assert len(await async_connection.fetchall(QUERY)) == 1000


async def test_a_break_in_the_middle_of_the_rows_ends_the_call(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    fault = server.faults.stall(call="fetch", rows=450)
    running = asyncio.create_task(async_connection.fetchall(QUERY, arraysize=100))
    while not fault.struck:
        await asyncio.sleep(0.005)
    async_connection.cancel()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        await running
    assert len(await async_connection.fetchall(QUERY)) == 1000
    assert server.counts["break"] == 1


async def test_a_task_cancelled_in_the_middle_of_the_rows_leaves_the_session_usable(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    fault = server.faults.stall(call="fetch", rows=450)
    running = asyncio.create_task(async_connection.fetchall(QUERY, arraysize=100))
    while not fault.struck:
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(await async_connection.fetchall(QUERY)) == 1000


def test_a_break_in_the_middle_of_the_rows_of_a_synchronous_call(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    fault = server.faults.stall(call="fetch", rows=450)

    def cancel() -> None:
        server.wait_until(lambda: fault.struck > 0)
        connection.cancel()

    breaker = threading.Thread(target=cancel)
    breaker.start()
    rows: list[tuple[object, ...]] = []
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        fetched(connection, rows)
    breaker.join()
    assert len(rows) == 400
    connection.ping()


def test_a_break_from_another_thread_ends_the_synchronous_call(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    fault = server.faults.stall(call="execute")

    def cancel() -> None:
        server.wait_until(lambda: fault.struck > 0)
        connection.cancel()

    breaker = threading.Thread(target=cancel)
    breaker.start()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        connection.cursor().execute(QUERY)
    breaker.join()
    connection.ping()


async def test_a_break_that_comes_too_late_ends_the_call_nevertheless(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    """The server has answered already when it hears of the break, and must answer that too, or both would wait for ever."""
    for _ in range(20):
        running = asyncio.create_task(async_connection.fetchone("SELECT DUMMY FROM DUAL"))
        await asyncio.sleep(0)
        async_connection.cancel()
        with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
            await running
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)


async def test_a_query_running_in_the_database_is_interrupted(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    endless = "SELECT SUM(a.X * b.X * c.X) FROM BIG a, BIG b, BIG c"
    assert server.data.duck is not None
    server.data.duck.execute("CREATE TABLE BIG AS SELECT range AS X FROM range(100000)")
    running = asyncio.create_task(async_connection.fetchone(endless))
    await asyncio.sleep(0.3)
    async_connection.cancel()
    with pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        await running
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)


async def test_a_cancelled_task_breaks_its_call_and_leaves_the_session_usable(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    fault = server.faults.stall(call="execute")
    running = asyncio.create_task(async_connection.fetchall(QUERY))
    while not fault.struck:
        await asyncio.sleep(0.005)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)


async def test_a_call_that_takes_too_long_is_broken_by_the_driver(
    server: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    async_connection.call_timeout = 300
    server.faults.stall(call="execute")
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        await async_connection.fetchall(QUERY)
    async_connection.call_timeout = 0
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)


def test_a_synchronous_call_that_takes_too_long(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    connection.call_timeout = 300
    server.faults.stall(call="execute")
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        connection.cursor().execute(QUERY)
    connection.call_timeout = 0
    connection.ping()


async def test_a_server_that_hears_no_break_loses_its_client(server: OracleServer) -> None:
    connection = await connect_async(server)
    connection.call_timeout = 300
    server.faults.deaf(call="execute")
    with pytest.raises(oracledb.DatabaseError, match=CLOSED):
        await connection.fetchall(QUERY)
    assert not connection.is_healthy()
    await asyncio.to_thread(server.wait_until, lambda: not server.sessions)


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
