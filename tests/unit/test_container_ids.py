"""The compact container IDs, their chunks and their numbers."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.chunks import chunk_count, chunk_of, is_small, padded
from schemas.ids import ContainerIds

TEXTS = st.text(min_size=1, max_size=6) | st.text(alphabet="ab\0", min_size=1, max_size=4)
DISTINCT = st.lists(TEXTS | st.builds("{}{}".format, st.just("x" * 70), TEXTS), unique=True, max_size=40)


def command(ids: list[str]) -> bytes:
    return json.dumps({"container_ids": ids}).encode()


@given(DISTINCT)
def test_a_command_gives_back_the_ids_in_their_order(ids: list[str]) -> None:
    assert ContainerIds.from_command(command(ids))[:] == ids
    assert ContainerIds.from_iterable(iter(ids))[:] == ids


@given(DISTINCT, st.lists(TEXTS))
def test_the_number_of_an_id_is_its_position(ids: list[str], others: list[str]) -> None:
    asked = [*ids, None, *others, *reversed(ids)]
    expected = [ids.index(text) if text in ids else -1 for text in asked]
    found = ContainerIds.from_iterable(ids).index_of(pa.array(asked, pa.string()))
    assert found.tolist() == expected


def test_dates_and_digits_stay_texts() -> None:
    ids = ["2026-01-01T00:00:00", "0012", "1e5", "null", "true"]
    assert ContainerIds.from_command(command(ids))[:] == ids


def test_an_id_is_found_in_a_slice_of_a_column_too() -> None:
    column = pa.array(["b", "c", "a", "a"]).slice(1)
    assert ContainerIds.from_iterable(["a", "b"]).index_of(column).tolist() == [-1, 0, 0]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b'{"container_ids":[1]}',
        b'{"container_ids":["a",null]}',
        b'{"container_ids":["\xff"]}',
    ],
)
def test_what_is_no_submit_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError):
        ContainerIds.from_command(value)


def test_an_id_costs_its_text_and_four_bytes() -> None:
    ids = ContainerIds.from_iterable(f"4881{number:012x}" for number in range(100_000))
    assert ids.nbytes < 100_000 * (16 + 4) + 4096
    assert (ids[99_999], ids[-1]) == ("48810000" + "0001869f",) * 2


@given(st.integers(0, 50), st.integers(1, 12))
def test_the_chunks_are_the_ids_in_order(count: int, size: int) -> None:
    texts = [str(number) for number in range(count)]
    ids = ContainerIds.from_iterable(texts)
    chunks = [chunk_of(ids, index, size) for index in range(chunk_count(count, size))]
    assert [text for chunk in chunks for text in chunk] == texts
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert all(chunks)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_bind_lists_have_few_lengths_and_the_same_ids(count: int, size: int) -> None:
    count = min(count, size)
    ids = [str(number) for number in range(count)]
    binds = padded(ids, size)
    assert binds[:count] == ids
    assert set(binds) == set(ids)
    assert len(binds) in (1, 10, 100, size)
    assert len(binds) <= size


@pytest.mark.parametrize(
    ("ids", "sizes", "small"),
    [(1000, [1000, 1000], True), (1000, [500, 1000], False), (1001, [10_000], False), (1, [], True)],
)
def test_a_small_job_is_one_chunk_a_domain_and_no_more_ids_than_an_ordinary_chunk(
    ids: int, sizes: list[int], small: bool
) -> None:
    assert is_small(ids, sizes) is small
