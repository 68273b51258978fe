"""What stands behind the server: DuckDB with Oracle's SQL and types, typed tables, answers given by a test."""

from __future__ import annotations

import datetime
import signal
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import oracledb
import pytest

from tests.oracle import Moment, OracleError, OracleServer, Table, serving, types
from tests.oracle.conftest import connect
from tests.oracle.duck import Duck
from tests.oracle.tables import text_minimum

_TABLE = """
CREATE TABLE T AS SELECT
    range::BIGINT AS ID, 'name ' || range AS NAME, (range / 8)::DECIMAL(20, 6) AS AMOUNT, sqrt(range) AS ROOT,
    TIMESTAMP '2024-02-29 12:00:00.123456' + to_days(range::INTEGER) AS AT, DATE '2024-01-01' AS DAY,
    encode('raw ' || range) AS BYTES, NULL::VARCHAR AS NOTHING
FROM range(500)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oracle") / "plant.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(_TABLE)
    return path


@pytest.fixture
def plant(file: Path) -> Iterator[tuple[OracleServer, oracledb.Connection]]:
    with serving(file) as server, connect(server) as connection:
        yield server, connection


def duck_of(server: OracleServer) -> Duck:
    assert server.data.duck is not None
    return server.data.duck


def test_a_duckdb_file_is_read_with_oracles_sql(
    plant: tuple[OracleServer, oracledb.Connection], file: Path
) -> None:
    server, connection = plant
    sql = "SELECT t.* FROM T AS OF SCN :scn t WHERE t.NAME IN (:c1, :c2, :c3) ORDER BY t.ID"
    names = {"c1": "name 7", "c2": "name 300", "c3": "it's not there"}
    with connection.cursor() as cursor:
        cursor.execute(sql, {"scn": server.data.clock.read()} | names, fetch_decimals=True)
        described = {info.name: info.type_code.name.removeprefix("DB_TYPE_") for info in cursor.description}
        found = cursor.fetchall()
    with duckdb.connect(str(file), read_only=True) as direct:
        (expected, *_) = wanted = direct.execute(
            "SELECT * FROM T WHERE ID IN (7, 300) ORDER BY ID"
        ).fetchall()
    assert len(expected) == 8
    assert [row[:5] + row[6:] for row in found] == [row[:5] + row[6:] for row in wanted]
    assert [row[5] for row in found] == [datetime.datetime(2024, 1, 1)] * 2
    assert described == {
        "ID": "NUMBER",
        "NAME": "VARCHAR",
        "AMOUNT": "NUMBER",
        "ROOT": "BINARY_DOUBLE",
        "AT": "TIMESTAMP",
        "DAY": "DATE",
        "BYTES": "RAW",
        "NOTHING": "VARCHAR",
    }


def test_the_sources_wraps_mean_the_same_in_duckdb_and_in_typed_tables(
    plant: tuple[OracleServer, oracledb.Connection],
) -> None:
    server, connection = plant
    wraps = (
        "SELECT TO_CHAR(q.\"A\", 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''') AS \"A\", "
        'TO_CHAR(q."B", \'YYYY-MM-DD"T"HH24:MI:SS.FF9\') AS "B", SYS_EXTRACT_UTC(q."C") AS "C" FROM ({}) q'
    )
    rows = [
        (
            Decimal("0.50"),
            datetime.datetime(2024, 1, 2, 3, 4, 5, 600),
            datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
        ),
        (Decimal("-0.25"), None, None),
        (Decimal("12300"), datetime.datetime(1999, 12, 31), None),
    ]
    kinds = {"A": types.number(9, 2), "B": types.timestamp(9), "C": types.timestamp_tz()}
    server.data.tables.put("TYPED", Table.of(kinds, rows))
    duck_of(server).execute("CREATE TABLE DUCKS (A DECIMAL(9, 2), B TIMESTAMP_NS, C TIMESTAMPTZ)")
    for row in rows:
        duck_of(server).execute(
            f"INSERT INTO DUCKS VALUES ({', '.join('NULL' if v is None else repr(str(v)) for v in row)})"
        )
    answers = [
        connection.cursor().execute(wraps.format(f"SELECT * FROM {name}")).fetchall()
        for name in ("TYPED", "DUCKS")
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == (".5", "2024-01-02T03:04:05.000600000", datetime.datetime(2024, 1, 2))
    assert [row[0] for row in answers[0]] == [".5", "-.25", "12300"]


@pytest.mark.parametrize(
    ("value", "text"),
    (
        ("0", "0"),
        ("-0.001", "-.001"),
        ("1E20", "1" + "0" * 20),
        ("1E70", "1E+70"),
        ("-1.25E-80", "-1.25E-80"),
        ("0.1000", ".1"),
        ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"),
    ),
)
def test_numbers_as_the_shortest_text(value: str, text: str) -> None:
    """As we know Oracle's documentation of TM9; compared with no database."""
    assert text_minimum(Decimal(value)) == text
    assert Decimal(text) == Decimal(value)


def test_typed_tables_filter_and_project(server: OracleServer, connection: oracledb.Connection) -> None:
    columns = {"ID": types.varchar2(5), "N": types.number(5)}
    server.data.tables.put("T", Table.of(columns, [("a", 1), ("b", 2), (None, 3), ("a", 4)]))
    execute = connection.cursor().execute
    assert execute("SELECT N FROM T WHERE ID = 'a'").fetchall() == [(1,), (4,)]
    assert execute("SELECT N, ID FROM T WHERE (ID IN (:x) OR N = 3) AND N IN (1, 3)", x="a").fetchall() == [
        (1, "a"),
        (3, None),
    ]
    assert execute("SELECT q.N AS M FROM (SELECT ID, N FROM T WHERE N = 2) q").description[0].name == "M"
    with pytest.raises(oracledb.DatabaseError, match="ORA-03115"):
        execute("SELECT N + 1 FROM T")


def test_a_test_answers_what_no_table_does(server: OracleServer, connection: oracledb.Connection) -> None:
    server.data.answer("v\\$version", Table.of({"BANNER": types.varchar2(80)}, [("Oracle for tests",)]))
    server.data.answer("SESSION_PRIVS", OracleError(942))
    execute = connection.cursor().execute
    assert execute("SELECT banner FROM V$VERSION WHERE ROWNUM < 2").fetchall() == [("Oracle for tests",)]
    with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
        execute("SELECT * FROM SESSION_PRIVS")
    execute("ALTER SESSION SET NLS_DATE_FORMAT = 'YYYY'")
    execute("BEGIN NULL; END;")


def test_a_change_number_moves_on_and_is_beyond_32_bits(connection: oracledb.Connection) -> None:
    statement = "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL"
    first, second = (connection.cursor().execute(statement).fetchone()[0] for _ in range(2))
    assert 2**33 <= first < second


def test_moments_move_between_zones() -> None:
    moment = Moment(2024, 2, 29, 23, 30, 1, 999_999_999, offset=-90)
    assert moment.at(0) == Moment(2024, 3, 1, 1, 0, 1, 999_999_999, offset=0)
    assert moment.at(0).at(-90) == moment


def test_the_server_runs_as_a_process(file: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.oracle",
        "--data",
        str(file),
        "--release",
        "23",
        "--password",
        "other",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        user, dsn = process.stdout.readline().strip().split("@")
        with oracledb.connect(user=user, password="other", dsn=dsn) as connection:
            assert connection.version.startswith("23.")
            assert connection.cursor().execute("SELECT COUNT(*) FROM T").fetchone() == (500,)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
