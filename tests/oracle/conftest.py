"""Servers and connections for the tests of the wire, of each release the server plays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import oracledb
import pytest

from tests.oracle import ORACLE_19, ORACLE_23, OracleServer, Release, Table, serving, types

QUERY = "SELECT ID, WIDE FROM N"
"""Of the fixture wide_rows: 1,000 rows."""
RELEASES = [pytest.param(ORACLE_19, id="19c"), pytest.param(ORACLE_23, id="23ai")]


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Release:
    """Each release in turn: with and without fast authentication and an explicit end of responses."""
    chosen: Release = request.param
    return chosen


@pytest.fixture
def server(release: Release) -> Iterator[OracleServer]:
    """An empty database in a thread of its own."""
    with serving(release=release) as started:
        yield started


@pytest.fixture
def connection(server: OracleServer) -> Iterator[oracledb.Connection]:
    """A session of the synchronous driver."""
    with connect(server) as connection:
        yield connection


@pytest.fixture
async def async_connection(server: OracleServer) -> AsyncIterator[oracledb.AsyncConnection]:
    """A session of the asynchronous driver."""
    async with connect_async(server) as connection:
        yield connection


@pytest.fixture
def wide_rows(server: OracleServer) -> None:
    """A table N of 1,000 rows, of which a few fill a packet."""
    columns = {"ID": types.number(10), "WIDE": types.varchar2()}
    server.data.tables.put("N", Table.of(columns, [(i, f"{i} " * 400) for i in range(1000)]))


def fetched(connection: oracledb.Connection, rows: list[tuple[object, ...]]) -> None:
    """Fetch QUERY into ``rows``, a hundred at a time, so that a failure leaves there what came before it."""
    cursor = connection.cursor()
    cursor.prefetchrows = cursor.arraysize = 100
    rows.extend(cursor.execute(QUERY))


def connect(server: OracleServer, **settings: object) -> oracledb.Connection:
    credentials = {"user": server.user, "password": server.password, "dsn": server.dsn}
    return oracledb.connect(**(credentials | settings))


def connect_async(server: OracleServer, **settings: object) -> oracledb.AsyncConnection:
    """To be awaited, or entered with ``async with``."""
    credentials = {"user": server.user, "password": server.password, "dsn": server.dsn}
    return oracledb.connect_async(**(credentials | settings))
