"""What is written is what is read: broker.recordbatch against broker.records and aiokafka's own reader."""

from __future__ import annotations

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from broker.prepared import PreparedBatch
from broker.recordbatch import encode_batch
from broker.records import split

KEYS = st.binary(max_size=40)
VALUES = st.none() | st.binary(max_size=3000) | st.builds(lambda piece: piece * 2000, st.binary(max_size=40))
HEADERS = st.dictionaries(st.text(max_size=10), st.binary(max_size=400), max_size=4)
TIMES = st.integers(0, 1 << 50)


@given(KEYS, VALUES, HEADERS, TIMES)
def test_a_batch_is_read_back_as_it_was_written(
    key: bytes, value: bytes | None, headers: dict[str, bytes], timestamp: int
) -> None:
    encoded = encode_batch(key, value, list(headers.items()), timestamp)
    (batch,) = split(memoryview(encoded), 0)
    (record,) = batch.records()
    assert (record.key, record.timestamp, record.headers) == (key, timestamp, headers)
    assert (None if record.value is None else bytes(record.value)) == value


@given(KEYS, VALUES, HEADERS, TIMES)
def test_other_clients_read_it_too(
    key: bytes, value: bytes | None, headers: dict[str, bytes], timestamp: int
) -> None:
    records = MemoryRecords(encode_batch(key, value, list(headers.items()), timestamp))
    batch = records.next_batch()
    assert batch is not None
    assert batch.validate_crc()
    (record,) = batch
    assert (record.key, record.value, record.timestamp) == (key, value, timestamp)
    assert list(record.headers) == list(headers.items())


def test_a_large_value_is_compressed() -> None:
    value = b'"C0000001",' * 100_000
    assert len(encode_batch(b"k", value, [], 0)) < len(value) // 20


@pytest.mark.parametrize("transactional", [True, False])
def test_a_prepared_batch_has_the_place_that_its_producer_gives_it(transactional: bool) -> None:
    prepared = PreparedBatch.of(None, b"value", [("type", b"meta")], 7, transactional=transactional)
    prepared._set_producer_state(producer_id=5, producer_epoch=2, base_sequence=9)
    batch = MemoryRecords(prepared._build()).next_batch()
    assert batch is not None
    assert batch.validate_crc()
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (5, 2, 9)
    assert batch.is_transactional is transactional
    assert [(record.value, record.timestamp) for record in batch] == [(b"value", 7)]
