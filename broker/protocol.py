"""The three requests of a log reader, built and read: Fetch v10, ListOffsets v3, Metadata v5. Pure; no I/O.

Fetch v10 and not later: v11 and up are also served by followers, and after a leader has moved they went on reading the old one
without an error. Metadata with ``allow_auto_topic_creation`` off, so that asking for a deleted topic never creates it.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from aiokafka.errors import for_code
from aiokafka.protocol.api import RequestStruct
from aiokafka.protocol.fetch import FetchRequest_v10
from aiokafka.protocol.metadata import MetadataRequest_v5, MetadataResponse_v5
from aiokafka.protocol.offset import OffsetRequest_v3, OffsetResponse_v3

from broker.errors import BrokerError, Retriable, TopicGone, translate
from broker.records import Batch, committed, split

Place = tuple[str, int]
"""A topic and a partition."""

EARLIEST = -2
LATEST = -1
_FETCH_HEAD = struct.Struct(">ihii")
_PARTITION = struct.Struct(">ihqqqi")
_ABORTED = struct.Struct(">qq")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch of one partition brought.

    ``batches`` are visible: no control batches and, of a committed read, none of aborted transactions. ``next_offset`` is where
    to read on: behind the last whole batch received, visible or not; the offset asked for when nothing came.
    """

    batches: list[Batch]
    next_offset: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int


def fetch_request(
    positions: Mapping[Place, int], *, read_committed: bool, max_bytes: int, max_wait_ms: int
) -> RequestStruct:
    """A Fetch outside of any session. ``max_bytes`` bounds the response and each partition; the first batch comes whole."""
    topics: dict[str, list[tuple[int, int, int, int, int]]] = defaultdict(list)
    for (topic, partition), offset in positions.items():
        topics[topic].append((partition, -1, offset, -1, max_bytes))
    return FetchRequest_v10(
        -1, max_wait_ms, 1, max_bytes, int(read_committed), 0, -1, list(topics.items()), []
    )


def read_fetch(
    response: memoryview, positions: Mapping[Place, int], *, read_committed: bool
) -> tuple[int, dict[Place, Fetched | BrokerError]]:
    """The throttle time in milliseconds, and each partition's answer or its error. Raises Retriable for the whole."""
    throttle, error, _, topics = _FETCH_HEAD.unpack_from(response)
    if error:
        raise failure(error, "the fetch")
    answers: dict[Place, Fetched | BrokerError] = {}
    for part in _partitions(response, topics):
        if part.place in positions:
            answers[part.place] = _answer(part, positions[part.place], read_committed)
    return int(throttle), answers


@dataclass(frozen=True, slots=True)
class _Part:
    place: Place
    error: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    aborted: list[tuple[int, int]]
    batches: memoryview


def _answer(part: _Part, asked: int, read_committed: bool) -> Fetched | BrokerError:
    if part.error:
        return _from_leader(part.error, f"{part.place[0]}/{part.place[1]}")
    try:
        batches = list(split(part.batches, asked))
    except BrokerError as damage:
        return damage
    visible = committed(batches, part.aborted) if read_committed else [b for b in batches if not b.control]
    behind = max(batches[-1].last_offset + 1, asked) if batches else asked
    return Fetched(visible, behind, part.high_watermark, part.last_stable_offset, part.log_start_offset)


def _partitions(response: memoryview, topics: int) -> Iterator[_Part]:
    position = _FETCH_HEAD.size
    for _ in range(topics):
        (length,) = _INT16.unpack_from(response, position)
        position += _INT16.size
        topic = str(response[position : position + length], "utf-8")
        position += length
        (partitions,) = _INT32.unpack_from(response, position)
        position += _INT32.size
        for _ in range(partitions):
            partition, error, high, stable, start, count = _PARTITION.unpack_from(response, position)
            position += _PARTITION.size
            aborted_end = position + max(count, 0) * _ABORTED.size
            aborted = list(_ABORTED.iter_unpack(response[position:aborted_end]))
            (size,) = _INT32.unpack_from(response, aborted_end)
            position = aborted_end + _INT32.size
            records = response[position : position + max(size, 0)]
            position += len(records)
            yield _Part((topic, partition), error, high, stable, start, aborted, records)


def offset_request(topic: str, partition: int, at: int, *, read_committed: bool) -> RequestStruct:
    """ListOffsets for :data:`EARLIEST` or :data:`LATEST`; of a committed read the latest is the last stable offset."""
    return OffsetRequest_v3(-1, int(read_committed), [(topic, [(partition, at)])])


def read_offset(response: memoryview) -> int:
    """The offset of the one partition asked for. Raises its error."""
    decoded = OffsetResponse_v3.decode(BytesIO(response))
    ((topic, ((partition, error, _, offset),)),) = decoded.topics
    if error:
        raise _from_leader(error, f"{topic}/{partition}")
    return int(offset)


@dataclass(frozen=True, slots=True)
class Metadata:
    """Brokers by id, and for each topic asked its partitions' leaders, or its error."""

    brokers: dict[int, tuple[str, int]]
    leaders: dict[str, dict[int, int] | BrokerError]


def metadata_request(topics: Sequence[str]) -> RequestStruct:
    """Asks for these topics alone; without any, for the brokers."""
    return MetadataRequest_v5(list(topics), False)


def read_metadata(response: memoryview) -> Metadata:
    decoded = MetadataResponse_v5.decode(BytesIO(response))
    leaders: dict[str, dict[int, int] | BrokerError] = {}
    for error, topic, _, partitions in decoded.topics:
        leaders[topic] = (
            failure(error, topic) if error else {number: leader for _, number, leader, *_ in partitions}
        )
    return Metadata({node: (host, port) for node, host, port, _ in decoded.brokers}, leaders)


def _from_leader(code: int, what: str) -> BrokerError:
    """A leader that does not know a topic may have just started or lost it: only metadata can say that it is gone."""
    failed = failure(code, what)
    return Retriable(f"The leader does not know {what}.") if isinstance(failed, TopicGone) else failed


def failure(code: int, what: str) -> BrokerError:
    """Our exception for an error code of the protocol; codes that aiokafka does not know are Retriable."""
    kind = for_code(code)
    ours = translate(kind(what))
    if isinstance(ours, TopicGone):
        return TopicGone(f"There is no topic {what}.")
    return ours if ours is not None else Retriable(f"Kafka answered {code} for {what}.")
