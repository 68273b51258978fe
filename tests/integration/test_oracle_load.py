"""``tracestream data load`` over the wire: the demo's rows, as they are, in the tables of a server that speaks Oracle Net."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.oracle import OracleServer, serving
from tracestream import oracle_load
from tracestream.data import DemoData
from tracestream.data_command import ensure
from tracestream.exits import CommandError, Exit

TABLES = Path(oracle_load.__file__).parent / "mes" / "tables.sql"
SCALE = 0.002


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> Iterator[OracleServer]:
    """The demo's tables without rows, and the settings that point at them."""
    with serving(password="a secret of its own") as server:
        assert server.data.duck is not None
        server.data.duck.execute(TABLES.read_text("utf-8"))
        for name, value in (("DSN", server.dsn), ("USER", server.user), ("PASSWORD", server.password)):
            monkeypatch.setenv(f"TRACE_ORACLE_{name}", value)
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def file(folder: Path) -> Path:
    return ensure(folder, SCALE, lambda _done, _total: None)


def load(folder: Path) -> Exit:
    return oracle_load.load(Namespace(data_dir=folder, scale=SCALE))


def test_every_row_arrives_as_it_is_and_once(empty: OracleServer, file: Path, folder: Path) -> None:
    for _ in range(2):  # a table that has rows is left alone
        assert load(folder) is Exit.OK
    assert empty.data.duck is not None
    there = empty.data.duck.session()
    with duckdb.connect(str(file), read_only=True) as here:
        for table in oracle_load.TABLES:
            query = f"SELECT * FROM {table} ORDER BY ALL"
            rows = here.execute(query).fetchall()
            assert there.rows(query) == rows
            assert rows
    assert empty.counts["commit"] == len(oracle_load.TABLES)
    assert not empty.failures


def test_a_table_that_is_cut_off_stays_empty_and_is_filled_the_next_time(
    empty: OracleServer, file: Path, folder: Path
) -> None:
    empty.faults.fail(1652, "unable to extend temp segment", call="commit", after=1)
    with pytest.raises(CommandError, match="ORA-01652") as caught:
        load(folder)
    assert not re.search("secret", str(caught.value))
    assert empty.data.duck is not None
    there = empty.data.duck.session()
    counts = [there.rows(f"SELECT count(*) FROM {table}")[0][0] for table in oracle_load.TABLES]
    assert counts == [DemoData().scaled(SCALE).containers, 0, 0]
    assert load(folder) is Exit.OK
    assert all(there.rows(f"SELECT count(*) FROM {table}")[0][0] for table in oracle_load.TABLES)


def test_tables_that_are_not_there_are_told(empty: OracleServer, file: Path, folder: Path) -> None:
    assert empty.data.duck is not None
    empty.data.duck.execute("DROP TABLE MES_CONTAINERS")
    with pytest.raises(CommandError, match="ORA-00942"):
        load(folder)
