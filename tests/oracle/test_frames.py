"""Data frames: what the driver's Arrow arrays hold of what the server sent."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

import oracledb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import ORACLE_23, OracleServer, Release, Table, serving, types
from tests.oracle.conftest import RELEASES, connect, connect_async
from tests.oracle.strategies import as_datetime, long_texts, moments, scaled, texts

COLUMNS = {
    "ID": types.number(10),
    "N": types.number(38, 10),
    "S": types.number(9, 6),
    "V": types.varchar2(),
    "W": types.nvarchar2(),
    "D": types.date(),
    "T": types.timestamp(6),
    "B": types.binary_double(),
    "R": types.raw(),
}
ROWS = st.lists(
    st.tuples(
        st.integers(-(10**10) + 1, 10**10 - 1),
        scaled(38, 10) | st.none(),
        scaled(9, 6) | st.none(),
        texts | long_texts | st.none(),
        texts | st.none(),
        moments.map(as_datetime).map(lambda time: time.replace(microsecond=0)) | st.none(),
        moments.map(as_datetime) | st.none(),
        st.floats(allow_nan=False) | st.none(),
        st.binary(max_size=300) | st.none(),
    ),
    max_size=25,
)


@pytest.fixture(scope="module", params=RELEASES)
def wire(request: pytest.FixtureRequest) -> Iterator[tuple[OracleServer, oracledb.Connection]]:
    with serving(release=request.param) as server, connect(server) as connection:
        yield server, connection


@settings(max_examples=40)
@given(rows=ROWS, size=st.integers(1, 10))
def test_batches_hold_exactly_what_was_sent(
    wire: tuple[OracleServer, oracledb.Connection], rows: list[tuple[object, ...]], size: int
) -> None:
    server, connection = wire
    server.data.tables.put("T", Table.of(COLUMNS, rows))
    found = []
    for frame in connection.fetch_df_batches("SELECT * FROM T", size=size, fetch_decimals=True):
        assert frame.num_rows() <= size
        found += [tuple(row.values()) for row in pa.table(frame).to_pylist()]
    # An empty text or RAW is NULL in Oracle.
    assert found == [tuple(None if value in ("", b"") else value for value in row) for row in rows]


async def test_the_asynchronous_driver_gives_the_same_batches(server: OracleServer, release: Release) -> None:
    # Each row is different: with values that repeat, and a release without an explicit end of responses, the driver reads
    # beyond an array of its own (see the README).
    rows = [(i, Decimal(i) / 8, f"{i} " + "x" * 1500) for i in range(2500)]
    columns = {"ID": types.number(10), "N": types.number(20, 3), "V": types.varchar2()}
    server.data.tables.put("T", Table.of(columns, rows))
    async with connect_async(server) as connection:
        frames = connection.fetch_df_batches("SELECT * FROM T", size=1000, fetch_decimals=True)
        found = [tuple(row.values()) async for frame in frames for row in pa.table(frame).to_pylist()]
    assert found == rows


@pytest.mark.parametrize("chosen", RELEASES)
async def test_all_rows_as_one_frame_lose_values_without_an_explicit_end_of_responses(
    chosen: Release,
) -> None:
    """The driver's own fault, asynchronous and over several round trips: fails when it is gone, and so may the warning."""
    rows = [(i, f"{i} " + "x" * 1900) for i in range(3000)]
    with serving(release=chosen, repeats=False) as server:
        server.data.tables.put("T", Table.of({"ID": types.number(10), "V": types.varchar2()}, rows))
        async with connect_async(server) as connection:
            frame = await connection.fetch_df_all("SELECT * FROM T", arraysize=1000, fetch_decimals=True)
    columns = [pa.array(column) for column in frame.column_arrays()]
    assert (list(map(len, columns)) == [3000, 3000]) is chosen.end_of_response


def test_what_frames_do_not_hold_exactly(wire: tuple[OracleServer, oracledb.Connection]) -> None:
    """The driver's own limits, by which the source chooses how it reads a column."""
    server, connection = wire
    zone = datetime.timezone(datetime.timedelta(hours=2))
    at = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=zone)
    exact = Decimal("0.1234567890123456789012345678")
    columns = {"N": types.number(), "F": types.float_(), "Z": types.timestamp_tz()}
    server.data.tables.put("T", Table.of(columns, [(exact, exact, at)]))
    schema = pa.table(connection.fetch_df_all("SELECT * FROM T", fetch_decimals=True)).schema
    assert [str(field.type) for field in schema] == ["double", "double", "timestamp[us]"]


def test_repeated_values_are_taken_from_the_round_trip_before() -> None:
    rows = [(i // 300, "same") for i in range(1000)]
    with serving(release=ORACLE_23) as server, connect(server) as connection:
        columns = {"A": types.number(10), "B": types.varchar2()}
        server.data.tables.put("T", Table.of(columns, rows))
        frames = connection.fetch_df_batches("SELECT * FROM T", size=100, fetch_decimals=True)
        found = [tuple(row.values()) for frame in frames for row in pa.table(frame).to_pylist()]
    assert found == rows
