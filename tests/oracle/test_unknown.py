"""What the server does not know ends with an error at once, never with a client that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import oracledb
import pytest

from tests.oracle import OracleServer, serving
from tests.oracle.conftest import RELEASES, connect, connect_async


@pytest.fixture(scope="module", params=RELEASES)
def known(request: pytest.FixtureRequest) -> Iterator[OracleServer]:
    with serving(release=request.param) as server:
        yield server


def _array_bind(connection: oracledb.Connection) -> None:
    with connection.cursor() as cursor:
        numbers = cursor.arrayvar(oracledb.DB_TYPE_NUMBER, [1, 2, 3])
        cursor.execute("BEGIN P(:numbers); END;", numbers=numbers)


def _temporary_blob(connection: oracledb.Connection) -> None:
    connection.createlob(oracledb.DB_TYPE_BLOB, b"bytes")


def _object_type(connection: oracledb.Connection) -> None:
    connection.gettype("SYS.ODCINUMBERLIST")


def _two_phases(connection: oracledb.Connection) -> None:
    connection.tpc_begin(connection.xid(1, "transaction", "branch"))


def _new_password(connection: oracledb.Connection) -> None:
    connection.changepassword("secret", "other")


def _returning(connection: oracledb.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO T (A) VALUES (:a) RETURNING A INTO :b", a=1, b=cursor.var(int))


def _scrolling(connection: oracledb.Connection) -> None:
    connection.cursor(scrollable=True).execute("SELECT DUMMY FROM DUAL")


def _batch_errors(connection: oracledb.Connection) -> None:
    rows = [(f"{number} " * 50,) for number in range(500)]
    connection.cursor().executemany("INSERT INTO T (A) VALUES (:1)", rows, batcherrors=True)


def _returned_cursor(connection: oracledb.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("BEGIN OPEN :1 FOR SELECT 1 FROM DUAL; END;", [cursor.var(oracledb.DB_TYPE_CURSOR)])


def _boolean(connection: oracledb.Connection) -> None:
    connection.cursor().execute("BEGIN P(:1); END;", [True])


def _json(connection: oracledb.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_JSON)
        cursor.execute("BEGIN P(:1); END;", [{"a": 1}])


UNKNOWN = (
    _array_bind,
    _temporary_blob,
    _object_type,
    _two_phases,
    _new_password,
    _returning,
    _scrolling,
    _batch_errors,
    _returned_cursor,
    _boolean,
    _json,
)


@pytest.mark.parametrize("work", UNKNOWN)
def test_an_unknown_request_is_an_error_and_the_session_goes_on(
    known: OracleServer, work: Callable[[oracledb.Connection], None]
) -> None:
    with connect(known) as connection:
        with pytest.raises(oracledb.Error):
            work(connection)
        assert connection.cursor().execute("SELECT DUMMY FROM DUAL").fetchall() == [("X",)]
    assert not known.failures


async def test_a_pipeline_is_answered_call_by_call(known: OracleServer) -> None:
    async with connect_async(known) as connection:
        pipeline = oracledb.create_pipeline()
        pipeline.add_fetchall("SELECT DUMMY FROM DUAL")
        pipeline.add_fetchone("SELECT 1 FROM NOWHERE")
        pipeline.add_fetchall("SELECT 2 FROM DUAL")
        first, failed, last = await connection.run_pipeline(pipeline, continue_on_error=True)
        assert (first.rows, last.rows) == ([("X",)], [(2,)])
        assert failed.error is not None
        assert failed.error.full_code == "ORA-00942"


def test_what_a_client_tells_of_itself_is_passed_over(known: OracleServer) -> None:
    with connect(known, appcontext=[("CLIENTCONTEXT", "a", "1")]) as connection:
        connection.module, connection.action, connection.clientinfo = "module", "ä" * 20, "info"
        connection.client_identifier, connection.dbop, connection.current_schema = "who", "operation", "OTHER"
        assert connection.cursor().execute("SELECT DUMMY FROM DUAL").fetchall() == [("X",)]


def test_a_mistake_of_the_servers_own_is_ora_00600(known: OracleServer) -> None:
    def mistaken() -> None:
        raise ZeroDivisionError("on purpose")

    known.data.answer("MISTAKE", mistaken)  # type: ignore[arg-type]
    with (
        connect(known) as connection,
        pytest.raises(oracledb.DatabaseError, match=r"ORA-00600.*ZeroDivisionError"),
    ):
        connection.cursor().execute("SELECT 1 FROM MISTAKE")
    (failure,) = known.failures
    assert isinstance(failure, ZeroDivisionError)
    known.failures.clear()
