"""Servers and connections for the tests of the wire, of each release the server plays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import oracledb
import pytest

from tests.oracle import ORACLE_19, ORACLE_23, OracleServer, Release, serving

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


def connect(server: OracleServer, **settings: object) -> oracledb.Connection:
    credentials = {"user": server.user, "password": server.password, "dsn": server.dsn}
    return oracledb.connect(**(credentials | settings))


def connect_async(server: OracleServer, **settings: object) -> oracledb.AsyncConnection:
    """To be awaited, or entered with ``async with``."""
    credentials = {"user": server.user, "password": server.password, "dsn": server.dsn}
    return oracledb.connect_async(**(credentials | settings))
