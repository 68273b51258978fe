"""The private parts of aiokafka that the reader leans on: a new version that moves them fails here, not in the field."""

from __future__ import annotations

import inspect

import aiokafka
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest_v10
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.offset import OffsetRequest_v3

from broker.protocol import EARLIEST, fetch_request, metadata_request, offset_request
from broker.settings import BrokerSettings
from broker.wire import PRIVATE, Access


def test_the_version_is_the_one_that_was_measured() -> None:
    assert aiokafka.__version__.startswith("0.14.")


async def test_a_connection_has_the_parts_that_are_taken_over() -> None:
    made = AIOKafkaConnection("127.0.0.1", 9092)
    assert [name for name in PRIVATE if not hasattr(made, name)] == []
    source = inspect.getsource(AIOKafkaConnection.connect)
    assert "self._reader, self._writer, self._protocol = reader, writer, protocol" in source
    assert "self._writer.close()" in inspect.getsource(AIOKafkaConnection.close)


async def test_a_connection_takes_the_arguments_that_clients_share() -> None:
    arguments = Access(BrokerSettings(), "test", 5.0).arguments()
    assert set(arguments) <= set(inspect.signature(AIOKafkaConnection.__init__).parameters)


def test_requests_are_of_the_versions_that_were_measured() -> None:
    fetch = fetch_request({("t", 0): 5, ("t", 1): 6}, read_committed=True, max_bytes=1, max_wait_ms=0)
    assert isinstance(fetch, FetchRequest_v10)
    described = fetch.to_object()
    assert (described["session_id"], described["session_epoch"], described["isolation_level"]) == (0, -1, 1)
    partitions = described["topics"][0]["partitions"]
    assert [(each["partition"], each["fetch_offset"], each["max_bytes"]) for each in partitions] == [
        (0, 5, 1),
        (1, 6, 1),
    ]
    assert isinstance(offset_request("t", 0, EARLIEST, read_committed=False), OffsetRequest_v3)
    metadata = metadata_request(["t"])
    assert isinstance(metadata, MetadataRequest_v5)
    assert metadata.to_object()["allow_auto_topic_creation"] is False


def test_requests_encode_as_kafka_describes_them() -> None:
    """Fetch v10, byte for byte: replica, wait, minimum, maximum, isolation, session, epoch, topics, forgotten."""
    encoded = fetch_request({("ab", 3): 7}, read_committed=True, max_bytes=9, max_wait_ms=5).encode()
    assert encoded == bytes.fromhex(
        "ffffffff 00000005 00000001 00000009 01 00000000 ffffffff"
        "00000001 0002 6162 00000001 00000003 ffffffff 0000000000000007 ffffffffffffffff 00000009"
        "00000000"
    )
