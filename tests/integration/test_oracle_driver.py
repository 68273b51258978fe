"""What of the driver this project steers around. A test here fails when the driver has changed: then the way around may go."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator

import oracledb
import pyarrow as pa
import pytest

from tests.oracle import types
from tests.oracle.release import ORACLE_19, ORACLE_23, Release
from tests.oracle.server import OracleServer, serving
from tests.oracle.tables import Table

ROWS = [("same", "other", "x" * 500 + str(number)) for number in range(8000)]
COLUMNS = {"A": types.varchar2(20), "B": types.varchar2(20), "C": types.varchar2(600)}
QUERY = "SELECT A, B, C FROM T"
_ASYNCHRONOUS = f"""
import asyncio, sys, oracledb, pyarrow as pa

async def main(dsn, user, password):
    connection = await oracledb.connect_async(dsn=dsn, user=user, password=password)
    async for frame in connection.fetch_df_batches({QUERY!r}, size=2000):
        table = pa.table(frame)
        table.validate(full=True)
        assert set(table["A"].to_pylist()) <= {{"same"}} and set(table["B"].to_pylist()) <= {{"other"}}
    await connection.close()

asyncio.run(main(*sys.argv[1:]))
"""


def repeating(release: Release) -> Iterator[OracleServer]:
    with serving(release=release) as server:
        server.data.tables.put("T", Table.of(COLUMNS, ROWS))
        yield server


@pytest.fixture(scope="module")
def oracle_19() -> Iterator[OracleServer]:
    yield from repeating(ORACLE_19)


@pytest.fixture(scope="module")
def oracle_23() -> Iterator[OracleServer]:
    yield from repeating(ORACLE_23)


def asynchronous(server: OracleServer) -> int:
    """The exit status of a process that reads the table with the driver's asynchronous connection."""
    command = [sys.executable, "-c", _ASYNCHRONOUS, server.dsn, server.user, server.password]
    return subprocess.run(command, check=False, capture_output=True, timeout=120).returncode


def test_asynchronous_data_frames_die_where_responses_have_no_mark_at_their_end(
    oracle_19: OracleServer, oracle_23: OracleServer
) -> None:
    assert asynchronous(oracle_23) == 0
    # Where a packet ends, and so whether a row is cut there, depends on what the socket gives: some try meets it.
    assert any(asynchronous(oracle_19) != 0 for _ in range(10))


@pytest.mark.parametrize("which", ["oracle_19", "oracle_23"])
def test_synchronous_data_frames_have_every_row(which: str, request: pytest.FixtureRequest) -> None:
    server: OracleServer = request.getfixturevalue(which)
    with oracledb.connect(user=server.user, password=server.password, dsn=server.dsn) as connection:
        frames = [pa.table(frame) for frame in connection.fetch_df_batches(QUERY, size=2000)]
    assert [tuple(row.values()) for frame in frames for row in frame.to_pylist()] == ROWS


_CLOSED = """
import sys, oracledb
dsn, user, password = sys.argv[1:]
connection = oracledb.connect(dsn=dsn, user=user, password=password)
try:
    connection.ping()
except oracledb.Error:
    connection.call_timeout = 1000
"""


def test_a_time_out_given_to_a_connection_that_was_lost_kills_the_process(oracle_23: OracleServer) -> None:
    with oracle_23.faults.during(oracle_23.faults.fail(28, call="ping")):
        command = [sys.executable, "-c", _CLOSED, oracle_23.dsn, oracle_23.user, oracle_23.password]
        status = subprocess.run(command, check=False, capture_output=True, timeout=120).returncode
    assert status == -signal.SIGSEGV


def test_a_statement_that_was_described_gives_doubles_though_decimals_are_asked_for() -> None:
    with serving() as server:
        server.data.tables.put("T", Table.of({"N": types.number(38, 10)}, []))
        with oracledb.connect(user=server.user, password=server.password, dsn=server.dsn) as connection:
            with connection.cursor() as cursor:
                cursor.parse("SELECT N FROM T")
            for query, kind in (
                ("SELECT N FROM T", pa.float64()),
                ("SELECT N FROM T -- another", pa.decimal128(38, 10)),
            ):
                frame = pa.table(connection.fetch_df_all(query, fetch_decimals=True))
                assert frame.schema.field("N").type == kind
