"""Record batches of Kafka's message format v2, read in place (KIP-98; the format is described in Kafka's protocol guide).

Rules:
1. A batch is checked (magic, CRC-32C) when it is found, and decoded when its records are asked for.
2. The value of an uncompressed record is a slice of the buffer that the response came in: whoever keeps one record keeps the
   whole response. :attr:`Batch.size` says how much that is.
3. The last batch of a response may be cut; it is left out.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import crc32c
import zstandard
from aiokafka.codec import lz4_decode, snappy_decode

from broker.errors import Refused, Retriable

_HEADER = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, base and max timestamp, producer id and epoch,
base sequence, record count."""

_LENGTH_END = 12
_CRC_END = 21
_CODEC = 0x07
_LOG_APPEND_TIME = 0x08
_TRANSACTIONAL = 0x10
_CONTROL = 0x20
_ABORT_MARKER = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One record. ``timestamp`` in milliseconds since the epoch; ``value`` is None for a tombstone; a header without a value
    is empty, and of two headers of one name the last counts."""

    offset: int
    timestamp: int
    key: bytes | None
    value: memoryview | None
    headers: dict[str, bytes]


@dataclass(slots=True)
class Batch:
    """One whole record batch. ``size`` is its length on the wire in bytes, ``producer_id`` is -1 without one; ``begin`` is the
    offset that was asked for: records before it are left out."""

    base_offset: int
    last_offset: int
    size: int
    attributes: int
    producer_id: int
    begin: int
    count: int
    base_timestamp: int
    max_timestamp: int
    body: memoryview = field(repr=False)

    @property
    def control(self) -> bool:
        """Whether it holds a transaction marker and nothing for a reader."""
        return bool(self.attributes & _CONTROL)

    @property
    def transactional(self) -> bool:
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def aborts(self) -> bool:
        """Whether it is the marker that ends its producer's transaction by an abort."""
        key = next(iter(_parse(self)), None) if self.control else None
        return (
            key is not None and key.key is not None and struct.unpack(">hh", key.key[:4])[1] == _ABORT_MARKER
        )

    def records(self) -> list[Record]:
        """The records from ``begin`` on, decompressed and parsed at each call. Raises Retriable when they make no sense."""
        try:
            return [record for record in _parse(self) if record.offset >= self.begin]
        except (IndexError, ValueError, EOFError, OSError, zstandard.ZstdError) as error:
            raise Retriable(f"The batch at offset {self.base_offset} can't be decoded: {error}") from error


def split(buffer: memoryview, begin: int) -> Iterator[Batch]:
    """The whole batches in ``buffer``. Raises Retriable on a wrong CRC, Refused on a format older than v2."""
    position = 0
    while position + _HEADER.size <= len(buffer):
        base, length, _, magic, crc, attributes, delta, first, latest, producer, _, _, count = (
            _HEADER.unpack_from(buffer, position)
        )
        end = position + _LENGTH_END + length
        if end > len(buffer):
            return
        if magic != 2:
            raise Refused(f"The batch at offset {base} has message format {magic}; only format 2 is read.")
        if crc32c.crc32c(buffer[position + _CRC_END : end]) != crc:
            raise Retriable(f"The batch at offset {base} has a wrong checksum.")
        yield Batch(
            base_offset=base,
            last_offset=base + delta,
            size=end - position,
            attributes=attributes,
            producer_id=producer,
            begin=begin,
            count=count,
            base_timestamp=first,
            max_timestamp=latest,
            body=buffer[position + _HEADER.size : end],
        )
        position = end


def committed(batches: Iterable[Batch], aborted: list[tuple[int, int]]) -> list[Batch]:
    """The batches without those of the ``aborted`` transactions: (producer id, first offset) as the response lists them."""
    waiting = sorted(aborted, key=lambda entry: entry[1], reverse=True)
    aborting: set[int] = set()
    visible = []
    for batch in batches:
        while waiting and waiting[-1][1] <= batch.last_offset:
            aborting.add(waiting.pop()[0])
        if batch.control:
            if batch.producer_id in aborting and batch.aborts:
                aborting.discard(batch.producer_id)
        elif not (batch.transactional and batch.producer_id in aborting):
            visible.append(batch)
    return visible


def _decompressed(batch: Batch) -> memoryview:
    match batch.attributes & _CODEC:
        case 0:
            return batch.body
        case 1:
            return memoryview(gzip.decompress(batch.body))
        case 2:
            return memoryview(snappy_decode(batch.body))
        case 3:
            return memoryview(lz4_decode(batch.body))
        case 4:
            return memoryview(_zstd(batch.body))
        case other:
            raise Refused(f"The batch at offset {batch.base_offset} has the unknown compression {other}.")


def _zstd(body: memoryview) -> bytes:
    """A new object each call: a shared one fails in threads. Java's frames do not say their size."""
    if zstandard.frame_content_size(body) > 0:
        return zstandard.ZstdDecompressor().decompress(body)
    return zstandard.ZstdDecompressor().decompressobj().decompress(body)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """A zigzag varint and the position behind it."""
    byte = data[position]
    position += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), position
    value = byte & 0x7F
    shift = 7
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position
        shift += 7


def _blob(data: memoryview, position: int) -> tuple[memoryview | None, int]:
    """A length and as many bytes; None for the length -1."""
    length, position = _varint(data, position)
    if length < 0:
        return None, position
    end = position + length
    if end > len(data):
        raise ValueError("a field runs over the end")
    return data[position:end], end


def _parse(batch: Batch) -> Iterator[Record]:
    data = _decompressed(batch)
    append_time = batch.attributes & _LOG_APPEND_TIME
    position = 0
    for _ in range(batch.count):
        length, position = _varint(data, position)
        end = position + length
        timestamp, position = _varint(data, position + 1)
        delta, position = _varint(data, position)
        key, position = _blob(data, position)
        value, position = _blob(data, position)
        headers, position = _headers(data, position)
        if position != end:
            raise ValueError(f"a record of {length} bytes ends {position - end} bytes late")
        yield Record(
            batch.base_offset + delta,
            batch.max_timestamp if append_time else batch.base_timestamp + timestamp,
            None if key is None else bytes(key),
            value,
            headers,
        )


def _headers(data: memoryview, position: int) -> tuple[dict[str, bytes], int]:
    count, position = _varint(data, position)
    headers = {}
    for _ in range(count):
        name, position = _blob(data, position)
        value, position = _blob(data, position)
        if name is None:
            raise ValueError("a header has no name")
        headers[str(name, "utf-8")] = b"" if value is None else bytes(value)
    return headers, position
