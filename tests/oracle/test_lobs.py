"""Large objects: read through a locator, piece by piece, or inlined in the rows as data frames want them."""

from __future__ import annotations

import json

import oracledb
import pyarrow as pa
import pytest

from tests.oracle import OracleServer, Table, serving, types
from tests.oracle.conftest import connect

CLOB = "The quick brown fox – ä€𝄞 " * 20_000
BLOB = bytes(range(256)) * 4_000
ROWS = [(1, CLOB, BLOB, CLOB[:99]), (2, None, None, None), (3, "short", b"\0", "ñ")]


@pytest.fixture
def documents(server: OracleServer) -> OracleServer:
    columns = {"ID": types.number(5), "C": types.clob(), "B": types.blob(), "N": types.nclob()}
    server.data.tables.put("DOCUMENTS", Table.of(columns, ROWS))
    return server


def test_a_locator_is_read_piece_by_piece(documents: OracleServer, connection: oracledb.Connection) -> None:
    clob, blob = connection.cursor().execute("SELECT C, B FROM DOCUMENTS").fetchone()
    units = CLOB.encode("utf-16-be")
    assert clob.size() == len(units) // 2
    assert clob.read(1, 30) == units[:60].decode("utf-16-be")
    assert clob.read(1001, 50) == units[2000:2100].decode("utf-16-be")
    assert clob.read() == CLOB
    assert clob.read(len(units)) == ""
    assert blob.size() == len(BLOB)
    assert blob.read(256, 3) == b"\xff\0\1"
    assert blob.read() == BLOB
    assert blob.getchunksize() > 0


def test_a_locator_outlives_its_cursor(documents: OracleServer, connection: oracledb.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT C, B, N FROM DOCUMENTS")
        rows = cursor.fetchall()
    assert [tuple(lob and lob.read() for lob in row) for row in rows] == [row[1:] for row in ROWS]


async def test_the_asynchronous_driver_reads_locators(
    documents: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    row = await async_connection.fetchone("SELECT C, B FROM DOCUMENTS")
    assert (await row[0].read(), await row[1].read()) == (CLOB, BLOB)


def test_lobs_come_inlined_where_the_client_wants_them_so(
    documents: OracleServer, connection: oracledb.Connection
) -> None:
    with connection.cursor() as cursor:
        for _ in range(2):  # defined at the first execution, only fetched at the second
            before = documents.sessions[1].calls
            rows = cursor.execute("SELECT ID, C, B, N FROM DOCUMENTS", fetch_lobs=False).fetchall()
            assert rows == ROWS
    assert documents.sessions[1].calls - before == 2


async def test_data_frames_have_lobs_inlined(
    documents: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    frame = await async_connection.fetch_df_all("SELECT ID, C, B, N FROM DOCUMENTS")
    table = pa.table(frame)
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS


def test_an_empty_lob_is_not_null_as_a_locator_but_is_inlined(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    server.data.tables.put("T", Table.of({"C": types.clob(), "B": types.blob()}, [("", b"")]))
    with connection.cursor() as cursor:
        lobs = cursor.execute("SELECT C, B FROM T").fetchone()
        assert [lob.read() for lob in lobs] == ["", b""]
        assert cursor.execute("SELECT B, C FROM T", fetch_lobs=False).fetchone() == (None, None)


async def test_a_statement_that_was_described_before_keeps_its_locators(
    documents: OracleServer, async_connection: oracledb.AsyncConnection
) -> None:
    """The driver's own doing: a text in its statement cache is read as it was the first time, and a frame has no locators."""
    with async_connection.cursor() as cursor:
        await cursor.parse("SELECT ID, C FROM DOCUMENTS")
    with pytest.raises(oracledb.NotSupportedError, match="DPY-3030"):
        await async_connection.fetch_df_all("SELECT ID, C FROM DOCUMENTS")
    frame = await async_connection.fetch_df_all("SELECT C, ID FROM DOCUMENTS")
    assert frame.num_rows() == 3


def test_the_demo_files_texts_can_be_clobs() -> None:
    with serving(columns={"TEXT": types.clob()}) as server, connect(server) as connection:
        assert server.data.duck is not None
        server.data.duck.execute("CREATE TABLE T AS SELECT repeat('ä', 50000) AS TEXT")
        (text,) = connection.cursor().execute("SELECT TEXT FROM T", fetch_lobs=False).fetchone()
        assert text == "ä" * 50_000


def test_a_temporary_clob_holds_what_was_written_until_it_is_freed(
    server: OracleServer, connection: oracledb.Connection
) -> None:
    lob = connection.createlob(oracledb.DB_TYPE_CLOB, CLOB)
    assert lob.read() == CLOB
    lob.write("slow ", 5)
    lob.write("!", len(CLOB.encode("utf-16-be")) // 2 + 3)
    assert lob.read() == f"The slow {CLOB[9:]}  !"
    assert list(server.database.lobs.temporary.values()) == [1]
    del lob
    connection.ping()
    assert not server.database.lobs.temporary


def test_the_temporary_lobs_of_a_session_end_with_it(server: OracleServer) -> None:
    with connect(server) as connection:
        lob = connection.createlob(oracledb.DB_TYPE_CLOB, "text")
        assert server.database.lobs.temporary
    with connect(server) as other:
        other.ping()
    assert not server.database.lobs.temporary
    del lob


@pytest.mark.parametrize("table", ["TYPED", "IN_DUCKDB"])
def test_a_bound_clob_is_read_as_a_list_of_ids(
    server: OracleServer, connection: oracledb.Connection, table: str
) -> None:
    ids = ["C1", "a'b", "𠮷", 'quo"ted', None, "absent"]
    known = [(cid,) for cid in ("C1", "C2", "a'b", "𠮷", 'quo"ted')]
    server.data.tables.put("TYPED", Table.of({"ID": types.varchar2(20)}, known))
    assert server.data.duck is not None
    server.data.duck.execute("CREATE TABLE IN_DUCKDB (ID VARCHAR)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO IN_DUCKDB (ID) VALUES (:1)", known)
        given = "JSON_TABLE(:ids, '$[*]' COLUMNS (id VARCHAR2(99) PATH '$'))"
        query = f"SELECT ID FROM {table} WHERE ID IN (SELECT g.id FROM {given} g)"
        for wanted in (ids, ids[:1], []):
            lob = connection.createlob(oracledb.DB_TYPE_CLOB, json.dumps(wanted))
            found = cursor.execute(query, ids=lob).fetchall()
            assert sorted(found) == sorted((cid,) for (cid,) in known if cid in wanted)
