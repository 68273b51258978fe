"""Record batches: what aiokafka's builder wrote is read back."""

from __future__ import annotations

import struct

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Refused, Retriable
from broker.records import Batch, committed, split

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
BASE_OFFSET_AND_LENGTH = struct.Struct(">qi")

rows = st.lists(
    st.tuples(
        st.none() | st.binary(max_size=40),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(min_size=1, max_size=8), st.binary(max_size=20)), max_size=4),
    ),
    min_size=1,
    max_size=20,
)


def built(
    content: list[Row],
    *,
    codec: int = 0,
    base: int = 0,
    producer: int = -1,
    transactional: bool = False,
) -> bytes:
    """A batch as a broker hands it out: the base offset is filled in by the broker and no part of the checksum."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=int(transactional),
        producer_id=producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 24,
    )
    for number, (key, value, headers) in enumerate(content):
        builder.append(number, 1_700_000_000_000 + number, key, value, headers)
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base)
    return bytes(data)


def marker(producer: int, base: int, *, abort: bool) -> Batch:
    """A transaction marker."""
    (batch,) = split(
        memoryview(built([(struct.pack(">hh", 0, 0 if abort else 1), b"\0" * 6, [])], base=base)), 0
    )
    batch.attributes |= 0x30
    batch.producer_id = producer
    return batch


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@given(content=rows, base=st.integers(0, 1 << 50))
def test_records_come_back_as_they_were_written(codec: int, content: list[Row], base: int) -> None:
    data = built(content, codec=codec, base=base)
    (batch,) = split(memoryview(data), base)
    assert (batch.base_offset, batch.last_offset, batch.size) == (base, base + len(content) - 1, len(data))
    for number, (record, (key, value, headers)) in enumerate(zip(batch.records(), content, strict=True)):
        assert (record.offset, record.timestamp) == (base + number, 1_700_000_000_000 + number)
        assert record.key == key
        assert (None if record.value is None else bytes(record.value)) == value
        assert record.headers == dict(headers)


@given(content=rows, skipped=st.integers(0, 25))
def test_records_before_the_offset_asked_for_are_left_out(content: list[Row], skipped: int) -> None:
    (batch,) = split(memoryview(built(content, base=100)), 100 + skipped)
    assert [record.offset for record in batch.records()] == list(range(100 + skipped, 100 + len(content)))


@given(content=st.lists(rows, min_size=1, max_size=4), data=st.data())
def test_a_cut_last_batch_is_left_out(content: list[list[Row]], data: st.DataObject) -> None:
    batches = [built(each, base=number * 100) for number, each in enumerate(content)]
    whole = b"".join(batches)
    length = data.draw(st.integers(0, len(whole)))
    ends = [sum(map(len, batches[: number + 1])) for number in range(len(batches))]
    found = list(split(memoryview(whole)[:length], 0))
    assert len(found) == sum(end <= length for end in ends)


@given(content=rows, data=st.data())
def test_a_damaged_batch_is_never_taken_for_a_good_one(content: list[Row], data: st.DataObject) -> None:
    good = bytearray(built(content))
    position = data.draw(st.integers(21, len(good) - 1))
    good[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Retriable):
        list(split(memoryview(good), 0))


def test_values_of_plain_batches_are_slices_of_the_response() -> None:
    data = built([(None, b"value", [])])
    (record,) = next(split(memoryview(data), 0)).records()
    assert record.value is not None
    assert record.value.obj is data


def test_older_formats_are_refused() -> None:
    data = bytearray(built([(None, b"value", [])]))
    data[16] = 1
    with pytest.raises(Refused):
        list(split(memoryview(data), 0))


def test_a_batch_that_lies_about_its_records_is_an_error() -> None:
    batch = next(split(memoryview(built([(None, b"value", [])])), 0))
    batch.count = 2
    with pytest.raises(Retriable):
        batch.records()


def test_only_the_batches_of_aborted_transactions_are_filtered() -> None:
    def batch(producer: int, base: int, transactional: bool = True) -> Batch:
        data = built([(None, b"v", [])], base=base, producer=producer, transactional=transactional)
        return next(split(memoryview(data), 0))

    log = [
        batch(1, 0),
        batch(2, 1),
        batch(1, 2, transactional=False),
        marker(1, 3, abort=True),
        batch(1, 4),
        marker(1, 5, abort=False),
        batch(2, 6),
        marker(2, 7, abort=True),
        batch(2, 8),
    ]
    visible = committed(log, [(1, 0), (2, 1)])
    assert [each.base_offset for each in visible] == [2, 4, 8]


def test_a_transaction_aborted_before_the_first_batch_counts() -> None:
    data = built([(None, b"v", [])], base=10, producer=7, transactional=True)
    assert committed(split(memoryview(data), 10), [(7, 3)]) == []
