"""The statement of a chunk: its text, its binds, how many rows it brings at a time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from catalogue.domain import parse_domain
from producers.sources.oracle_query import Query, query_of, rows_at_a_time
from producers.sources.oracle_types import Reading, Wrap
from schemas.values import Column, JsonForm

DOMAIN = parse_domain(
    "rows",
    "SELECT ID FROM T {{as_of}} t WHERE ID IN ({{ids}})",
    'description = "x"\ncontainer_id = "ID"\nchunk_size = 20',
)
TEXT = Reading(Column("ID", "VARCHAR2(20)", JsonForm.STRING), Wrap.NONE)
LOB = Reading(Column("L", "CLOB", JsonForm.STRING), Wrap.LOB)
LONG = Reading(Column("L", "LONG", JsonForm.STRING), Wrap.NONE)


def query(ids: list[str], scn: int | None = None, chunk_size: int = 20) -> Query:
    return query_of(replace(DOMAIN, chunk_size=chunk_size), [TEXT], ids, scn, 10)


def test_a_chunk_binds_its_ids_by_name_padded_and_at_its_snapshot() -> None:
    found = query(["a", "b"], 77)
    assert found.text.startswith("SELECT ID FROM T AS OF SCN :scn t WHERE ID IN (:c1, :c2, ")
    assert list(found.names) == [f"c{number}" for number in range(1, 11)]
    assert list(found.values) == ["a", *["b"] * 9]
    assert found.scn == 77


def test_without_a_snapshot_nothing_of_it_is_in_the_statement() -> None:
    found = query(["a", "b"], None, 2)
    assert found.text == "SELECT ID FROM T  t WHERE ID IN (:c1, :c2)"
    assert found.scn is None


@pytest.mark.parametrize("counts", [range(2, 11), range(11, 101), range(101, 1001)])
def test_chunks_of_like_sizes_have_one_text(counts: range) -> None:
    texts = {query([f"C{n}" for n in range(count)], 7, 1000).text for count in counts}
    assert len(texts) == 1


@pytest.mark.parametrize("count", [1001, 1500, 5000])
def test_more_ids_than_a_list_may_have_are_one_json_bind_with_one_text(count: int) -> None:
    ids = [f"漢'\"\\{n}" for n in range(count)]
    found = query(ids, 7, 5000)
    assert "WHERE ID IN (SELECT given.id FROM JSON_TABLE(:ids, " in found.text
    assert found.text == query(["other"] * 1001, 8, 5000).text
    assert (list(found.names), found.bind_size, found.scn) == (["ids"], None, 7)
    (bound,) = found.values
    assert bound.isascii()
    assert json.loads(bound) == ids


@pytest.mark.parametrize("chunk_size", [5000, 1000])
def test_the_last_chunk_of_a_job_is_a_list_whatever_the_chunk_size(chunk_size: int) -> None:
    found = query([f"C{n}" for n in range(1000)], 7, chunk_size)
    assert len(found.names) == len(found.values) == 1000
    assert len(query([f"C{n}" for n in range(101)], 7, chunk_size).names) == 1000


@pytest.mark.parametrize(
    ("ids", "size"),
    [
        (["a"], 32),
        (["a" * 32], 32),
        (["a", "b" * 33], 128),
        (["膠" * 43], 1024),
        (["𠮷" * 256], 1024),
    ],
)
def test_all_binds_of_a_chunk_are_declared_alike_in_one_of_three_sizes(ids: list[str], size: int) -> None:
    assert query(ids).bind_size == size


def test_fewer_rows_come_at_a_time_where_a_value_may_be_large() -> None:
    mebi = 1 << 20
    assert rows_at_a_time([TEXT], 2000, 4 * mebi) == 2000
    assert rows_at_a_time([TEXT, LOB], 2000, 4 * mebi) == 8
    assert rows_at_a_time([LOB, LONG], 2000, 4 * mebi) == 4
    assert rows_at_a_time([LOB], 2000, 1000 * mebi) == 1
    assert rows_at_a_time([LOB], 2000, 1) == 2000
