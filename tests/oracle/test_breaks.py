"""Breaks and time-outs: a call that is given up ends with ORA-01013, and its session stays in step."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import oracledb
import pytest

from tests.oracle import OracleServer, Release, Table, serving, types
from tests.oracle.conftest import QUERY, connect, connect_async, fetched
from tests.oracle.faults import Fault

CLOSED = "DPY-4011"
"""The driver's name for every way of losing a connection."""

pytestmark = pytest.mark.usefixtures("wide_rows")


@contextmanager
def breaking(server: OracleServer, connection: oracledb.Connection, fault: Fault) -> Iterator[None]:
    """Break the call from another thread once the fault has struck it."""

    def cancel() -> None:
        server.wait_until(lambda: fault.struck > 0)
        connection.cancel()

    breaker = threading.Thread(target=cancel)
    breaker.start()
    yield
    breaker.join()


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
    # The driver does not bear to be cancelled while packets come in: let it have those that are on their way.
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(await async_connection.fetchall(QUERY)) == 1000


def test_a_break_in_the_middle_of_the_rows_of_a_synchronous_call(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    fault = server.faults.stall(call="fetch", rows=450)
    rows: list[tuple[object, ...]] = []
    with breaking(server, connection, fault), pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
        fetched(connection, rows)
    assert len(rows) == 400
    connection.ping()


@pytest.mark.parametrize("attention", (True, False))
def test_a_break_from_another_thread_ends_the_synchronous_call(release: Release, attention: bool) -> None:
    """Out of band where the server takes that, in a packet otherwise."""
    with serving(release=release, attention=attention) as server, connect(server) as connection:
        fault = server.faults.stall(call="execute")
        with breaking(server, connection, fault), pytest.raises(oracledb.DatabaseError, match="ORA-01013"):
            connection.cursor().execute("SELECT DUMMY FROM DUAL")
        assert server.sessions[1].attentions == (
            2 if attention else 0
        )  # the first one is a trial at the beginning
        assert server.counts["break"] == 1
        connection.ping()


@pytest.mark.parametrize("attention", (True, False))
def test_synchronous_breaks_at_any_moment_leave_the_session_in_step(
    release: Release, attention: bool
) -> None:
    """Whether the answer was on its way or not: each call ends with rows or with ORA-01013, and the next one is its own."""
    with serving(release=release, attention=attention) as server, connect(server) as connection:
        columns = {"ID": types.number(10), "WIDE": types.varchar2()}
        server.data.tables.put("N", Table.of(columns, [(i, f"{i} " * 400) for i in range(1000)]))
        for round_ in range(40):
            breaker = threading.Timer(round_ / 10_000, connection.cancel)
            breaker.start()
            rows: list[tuple[object, ...]] = []
            try:
                fetched(connection, rows)
                assert len(rows) == 1000
            except oracledb.DatabaseError as error:
                assert error.args[0].full_code == "ORA-01013"
            breaker.join()
            # A break after the last call's end strikes the next one.
            for _ in range(2):
                try:
                    found = connection.cursor().execute("SELECT ID FROM N WHERE ID = :i", i=round_).fetchall()
                except oracledb.DatabaseError as error:
                    assert error.args[0].full_code == "ORA-01013"
            assert found == [(round_,)]


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
    async_connection.call_timeout = 2000
    server.faults.stall(call="execute")
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        await async_connection.fetchall(QUERY)
    async_connection.call_timeout = 0
    assert await async_connection.fetchone("SELECT DUMMY FROM DUAL") == ("X",)


def test_a_synchronous_call_that_takes_too_long(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    connection.call_timeout = 2000
    server.faults.stall(call="execute")
    with pytest.raises(oracledb.DatabaseError, match="DPY-4024"):
        connection.cursor().execute(QUERY)
    connection.call_timeout = 0
    connection.ping()


async def test_a_server_that_hears_no_break_loses_its_client(server: OracleServer) -> None:
    connection = await connect_async(server)
    connection.call_timeout = 2000
    server.faults.deaf(call="execute")
    with pytest.raises(oracledb.DatabaseError, match=CLOSED):
        await connection.fetchall(QUERY)
    assert not connection.is_healthy()
    await asyncio.to_thread(server.wait_until, lambda: not server.sessions)
