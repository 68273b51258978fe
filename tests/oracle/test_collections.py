"""A list of texts bound as Oracle's own collection type."""

from __future__ import annotations

from collections.abc import Iterator

import oracledb
import pytest

from tests.oracle import OracleServer, Table, serving, types
from tests.oracle.collections import NAME
from tests.oracle.conftest import RELEASES, connect

TEXTS = [
    "a",
    "a'b",
    "𠮷" * 100,
    "x" * 245,
    "x" * 246,
    "y" * 4000,
    "",
    *(f"C{number}" for number in range(300)),
]
QUERY = "SELECT ID FROM T WHERE ID IN (SELECT COLUMN_VALUE FROM TABLE(:ids))"


@pytest.fixture(params=RELEASES)
def known(request: pytest.FixtureRequest) -> Iterator[OracleServer]:
    with serving(release=request.param) as server:
        rows = [(text,) for text in (*TEXTS, "another")]
        server.data.tables.put("T", Table.of({"ID": types.varchar2(4000)}, rows))
        yield server


def test_a_bound_collection_holds_each_of_its_texts(known: OracleServer) -> None:
    with connect(known) as connection, connection.cursor() as cursor:
        kind = connection.gettype(NAME)
        assert (kind.iscollection, kind.element_type) == (True, oracledb.DB_TYPE_VARCHAR)
        for wanted in (TEXTS, TEXTS[:1], [*TEXTS[:3], None], []):
            found = cursor.execute(QUERY, ids=kind.newobject(wanted)).fetchall()
            # An empty text is NULL.
            assert sorted(found) == sorted((text,) for text in wanted if text)
        assert cursor.execute(QUERY, ids=kind.newobject(["another"])).fetchall() == [("another",)]


def test_a_type_is_asked_for_once_a_session(known: OracleServer) -> None:
    with connect(known) as connection:
        before = known.sessions[1].calls
        for _ in range(3):
            connection.gettype(NAME)
        assert known.sessions[1].calls - before == 2
