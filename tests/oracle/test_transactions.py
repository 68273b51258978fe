"""Changes: a transaction a session, seen by others when it is committed."""

from __future__ import annotations

from collections.abc import Iterator

import oracledb
import pytest

from tests.oracle import OracleServer
from tests.oracle.conftest import connect


@pytest.fixture
def other(server: OracleServer) -> Iterator[oracledb.Connection]:
    """A second session, with a table T to change."""
    assert server.data.duck is not None
    server.data.duck.execute("CREATE TABLE T (ID INTEGER, NAME VARCHAR)")
    with connect(server) as second:
        yield second


def count(connection: oracledb.Connection) -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute("SELECT COUNT(*) FROM T").fetchone()[0])


def test_a_commit_shows_the_change_to_others(
    connection: oracledb.Connection, other: oracledb.Connection
) -> None:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO T (ID, NAME) VALUES (:1, :2)", [1, "one"])
    assert cursor.rowcount == 1
    assert connection.transaction_in_progress
    assert (count(connection), count(other)) == (1, 0)
    connection.commit()
    assert not connection.transaction_in_progress
    assert count(other) == 1


def test_a_rollback_undoes_it(connection: oracledb.Connection, other: oracledb.Connection) -> None:
    connection.cursor().execute("INSERT INTO T (ID, NAME) VALUES (1, 'one')")
    connection.rollback()
    assert (count(connection), count(other)) == (0, 0)
    assert not connection.transaction_in_progress


def test_many_rows_are_inserted_in_one_call(
    server: OracleServer, connection: oracledb.Connection, other: oracledb.Connection
) -> None:
    before = server.sessions[1].calls
    cursor = connection.cursor()
    rows = [(i, f"row {i}" if i % 3 else None) for i in range(500)]
    cursor.executemany("INSERT INTO T (ID, NAME) VALUES (:1, :2)", rows)
    assert cursor.rowcount == 500
    assert server.sessions[1].calls == before + 1
    connection.commit()
    assert other.cursor().execute("SELECT ID, NAME FROM T ORDER BY ID").fetchall() == rows
    cursor.execute("UPDATE T SET NAME = :name WHERE ID < 10", name="changed")
    assert cursor.rowcount == 10
    cursor.execute("DELETE FROM T WHERE NAME = :name", name="changed")
    assert cursor.rowcount == 10


def test_autocommit_commits_with_the_statement(
    connection: oracledb.Connection, other: oracledb.Connection
) -> None:
    connection.autocommit = True
    connection.cursor().execute("INSERT INTO T (ID) VALUES (7)")
    assert count(other) == 1


async def test_the_asynchronous_driver_commits_and_rolls_back(
    async_connection: oracledb.AsyncConnection, other: oracledb.Connection
) -> None:
    await async_connection.execute("INSERT INTO T (ID) VALUES (7)")
    await async_connection.rollback()
    await async_connection.execute("INSERT INTO T (ID) VALUES (8)")
    await async_connection.commit()
    assert other.cursor().execute("SELECT ID FROM T").fetchall() == [(8,)]
