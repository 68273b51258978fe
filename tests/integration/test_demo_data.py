"""The demo data: the same for everyone, with everything on purpose that real tables have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tracestream.data import DemoData, container_ids, generate, write_container_ids

SMALL = DemoData().scaled(0.03)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plant") / "it's a plant.duckdb"
    generate(path, SMALL)
    return path


@pytest.fixture
def tables(plant: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(plant), read_only=True) as connection:
        yield connection


def one(tables: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    row = tables.execute(query).fetchone()
    assert row is not None
    return row


def test_the_reference_set_is_the_dashboards() -> None:
    assert DemoData().containers == 114_892
    assert DemoData().scaled(4).containers == 459_568


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    data = DemoData().scaled(0.001)
    generate(tmp_path / "tiny.duckdb", data, lambda done, rows: told.append((done, rows)))
    assert told[-1] == (data.rows, data.rows)
    assert told == sorted(told)


def test_the_rows_do_not_depend_on_how_they_were_sliced(tmp_path: Path) -> None:
    digests = []
    for slice_rows in (100, 10_000):
        data = DemoData(containers=500, history_rows=520, material_rows=260, slice_rows=slice_rows)
        path = tmp_path / f"{slice_rows}.duckdb"
        generate(path, data)
        with duckdb.connect(str(path), read_only=True) as connection:
            digests.append(
                [
                    one(
                        connection,
                        f"SELECT md5(string_agg(t::VARCHAR, '|' ORDER BY t::VARCHAR)) FROM {table} t",
                    )
                    for table in ("MES_CONTAINERS", "MES_LOT_HISTORY", "MES_LOT_MATERIALS")
                ]
            )
    assert digests[0] == digests[1]


def test_another_seed_makes_another_plant(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate(
            tmp_path / f"{seed}.duckdb", DemoData(containers=50, history_rows=50, material_rows=20, seed=seed)
        )
    assert set(container_ids(tmp_path / "1.duckdb")).isdisjoint(container_ids(tmp_path / "2.duckdb"))


def test_the_first_rows_are_what_they_always_were(tables: duckdb.DuckDBPyConnection) -> None:
    row = one(
        tables,
        "SELECT HISTORYID, CONTAINERNAME, PRODUCTNAME, EQUIPMENTNAME FROM MES_LOT_HISTORY ORDER BY HISTORYID",
    )
    assert row == (488103800000000000, "GA26000001-A000", "SOP-8-BT1042", "DS-01")


def test_ids_are_distinct_and_listed_in_the_order_of_their_start(plant: Path, tmp_path: Path) -> None:
    ids = list(container_ids(plant))
    assert len(set(ids)) == SMALL.containers
    assert ids == sorted(ids)
    assert write_container_ids(plant, tmp_path / "ids.txt", limit=10) == 10
    assert (tmp_path / "ids.txt").read_text().splitlines() == ids[:10]


def test_quantities_add_up_for_every_pass_that_has_ended(tables: duckdb.DuckDBPyConnection) -> None:
    wrong, running, lossy = one(
        tables,
        """SELECT count(*) FILTER (TRACKINQTY <> TRACKOUTQTY + DEFECTQTY OR (DEFECTQTY > 0) <> (LOSSREASONNAME IS NOT NULL)),
                  count(*) FILTER (TRACKOUTTIMESTAMP IS NULL AND TRACKOUTQTY IS NULL AND DEFECTQTY IS NULL),
                  count(*) FILTER (DEFECTQTY > 0) / count(*) FROM MES_LOT_HISTORY""",
    )
    assert wrong == 0
    assert 0 < int(str(running)) < SMALL.history_rows / 100
    assert 0.25 < float(str(lossy)) < 0.4


def test_few_loss_reasons_cause_most_defects(tables: duckdb.DuckDBPyConnection) -> None:
    shares = tables.execute(
        "SELECT sum(DEFECTQTY) / sum(sum(DEFECTQTY)) OVER () FROM MES_LOT_HISTORY WHERE DEFECTQTY > 0 GROUP BY LOSSREASONNAME"
    ).fetchall()
    ordered = sorted((float(share) for (share,) in shares), reverse=True)
    assert len(ordered) == 20
    assert sum(ordered[:4]) > 0.5


def test_some_containers_have_rework_some_no_history_and_many_no_material(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    (rework, idle, bare) = one(
        tables,
        """SELECT (SELECT count(*) FROM MES_LOT_HISTORY WHERE PASSTYPE = 'REWORK'),
                  (SELECT count(*) FROM MES_CONTAINERS WHERE CONTAINERID NOT IN (SELECT CONTAINERID FROM MES_LOT_HISTORY)),
                  (SELECT count(*) FROM MES_CONTAINERS c ANTI JOIN MES_LOT_MATERIALS m USING (CONTAINERID))""",
    )
    assert int(str(rework)) > 20
    assert int(str(idle)) > 20
    assert 0.4 < int(str(bare)) / SMALL.containers < 0.8


def test_records_are_as_wide_as_those_of_a_plant(tables: duckdb.DuckDBPyConnection) -> None:
    for table, columns in (("MES_LOT_HISTORY", 39), ("MES_LOT_MATERIALS", 39)):
        (size,) = one(tables, f"SELECT avg(strlen(to_json(t)::VARCHAR)) FROM {table} t")
        assert 1600 < float(str(size)) < 2000
        assert len(tables.execute(f"DESCRIBE {table}").fetchall()) == columns


def test_texts_and_numbers_hold_what_careless_encoders_break(tables: duckdb.DuckDBPyConnection) -> None:
    remarks = {
        remark for (remark,) in tables.execute("SELECT DISTINCT REMARK FROM MES_LOT_HISTORY").fetchall()
    }
    assert None in remarks
    text = "".join(filter(None, remarks))
    assert all(character in text for character in '"\\\n\t漢🔍'.replace("漢", "檢"))
    assert json.loads(json.dumps(text)) == text
    (beyond, digits) = one(
        tables,
        "SELECT min(HISTORYID) > 9007199254740992, max(scale) FROM MES_LOT_HISTORY, (SELECT 10 AS scale)",
    )
    assert beyond
    assert digits == 10


def test_a_scale_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        DemoData().scaled(0)
