"""Where records are cut into messages."""

from __future__ import annotations

import json
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.batching import BatchCutter, RecordsMessage
from producers.encode import EncodedRows, encode_records
from schemas.problems import RecordTooLarge


def rows_of(texts: list[str]) -> EncodedRows:
    return encode_records(pa.RecordBatch.from_pydict({"ID": pa.array(texts, pa.string())}))


def cutter(**changes: int) -> BatchCutter:
    bounds = {"max_records": 3, "max_bytes": 200, "max_record_bytes": 400, **changes}
    return BatchCutter("history", container_column="ID", **bounds)


def ids_in(message: RecordsMessage) -> list[str]:
    value = json.loads(message.value)
    assert list(value) == ["type", "domain", "batch", "data"]
    assert (value["type"], value["domain"], value["batch"]) == ("records", "history", message.batch)
    assert len(value["data"]) == message.count
    return [record["ID"] for record in value["data"]]


SCHEDULES = st.lists(
    st.tuples(st.lists(st.text(alphabet="ab\n", max_size=60), max_size=9), st.booleans()), max_size=8
)
"""What comes in: pieces of rows, and whether a transaction ends behind each."""


@given(SCHEDULES, st.integers(1, 6), st.integers(60, 260))
def test_any_schedule_gives_the_same_records_within_both_bounds(
    schedule: list[tuple[list[str], bool]], max_records: int, max_bytes: int
) -> None:
    cut = cutter(max_records=max_records, max_bytes=max_bytes)
    messages: list[RecordsMessage] = []
    for texts, ends in schedule:
        messages += cut.add(rows_of(texts))
        if ends:
            messages += cut.flush()
            assert cut.pending == 0
    messages += cut.flush()
    assert [id for message in messages for id in ids_in(message)] == [
        id for texts, _ in schedule for id in texts
    ]
    first = 0
    for batch, message in enumerate(messages, start=1):
        assert (message.batch, message.first) == (batch, first)
        assert 1 <= message.count <= max_records
        assert len(message.value) <= max_bytes or message.count == 1
        assert message.value.endswith(b"]}\n")
        assert message.value.count(b"\n") == 1
        first += message.count
    assert (cut.next_batch, cut.next_record) == (len(messages) + 1, first)


@given(st.lists(st.text(alphabet="ab", max_size=60), max_size=30), st.integers(1, 6), st.integers(60, 260))
def test_a_message_is_closed_only_when_the_next_record_would_not_fit(
    texts: list[str], max_records: int, max_bytes: int
) -> None:
    cut = cutter(max_records=max_records, max_bytes=max_bytes)
    messages = [*cut.add(rows_of(texts)), *cut.flush()]
    for message, following in pairwise(messages):
        next_record = len(json.dumps({"ID": ids_in(following)[0]}, separators=(",", ":")))
        assert message.count == max_records or len(message.value) + 1 + next_record > max_bytes


def test_the_value_is_the_exact_line() -> None:
    cut = cutter(max_records=2)
    (message,) = [*cut.add(rows_of(["a", "b"])), *cut.flush()]
    assert (
        message.value == b'{"type":"records","domain":"history","batch":1,"data":[{"ID":"a"},{"ID":"b"}]}\n'
    )


def test_a_record_beyond_the_bytes_goes_alone() -> None:
    cut = cutter()
    messages = [*cut.add(rows_of(["a", "x" * 250, "b"])), *cut.flush()]
    assert [ids_in(message) for message in messages] == [["a"], ["x" * 250], ["b"]]


def test_a_record_beyond_a_message_names_its_container() -> None:
    cut = cutter()
    with pytest.raises(RecordTooLarge, match="x" * 400) as caught:
        list(cut.add(rows_of(["a", "x" * 400])))
    assert caught.value.extra == {"container": "x" * 400, "limit": 400}


def test_a_cutter_goes_on_where_a_log_ends() -> None:
    cut = cutter(next_batch=7, next_record=1234)
    messages = [*cut.add(rows_of(["a", "b", "c", "d"])), *cut.flush()]
    assert [(message.batch, message.first, message.count) for message in messages] == [
        (7, 1234, 3),
        (8, 1237, 1),
    ]


def test_a_full_message_waits_for_the_next_record_or_the_end_of_the_transaction() -> None:
    cut = cutter(max_records=2)
    assert list(cut.add(rows_of(["a", "b"]))) == []
    assert cut.pending == 2
    (first,) = cut.add(rows_of(["c", "d"]))
    (second,) = cut.flush()
    assert [ids_in(first), ids_in(second)] == [["a", "b"], ["c", "d"]]


def test_flushing_twice_adds_no_empty_message() -> None:
    cut = cutter()
    assert list(cut.flush()) == []
    list(cut.add(rows_of(["a"])))
    assert len(list(cut.flush())) == 1
    assert list(cut.flush()) == []
