"""Writes one record as a record batch of Kafka's message format v2, zstd inside (KIP-98, KIP-110). Pure; the opposite of
:mod:`broker.records`.

aiokafka's producer copies a record while it compresses it, on the event loop and at zstd's level 3: a message of megabytes would
stop everything else for tens of milliseconds. Here it is compressed piece by piece, wherever the caller likes, at level 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import crc32c
import zstandard

_HEAD = struct.Struct(">qiibI")
"""Base offset, length, leader epoch, magic, CRC: what the CRC does not cover."""
_BODY = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, base and max timestamp, producer id and epoch, base sequence, record count."""
_MAGIC = 2
_NO_CODEC, _ZSTD = 0, 4
_TRANSACTIONAL = 0x10
_LEVEL = 1
_WORTH_COMPRESSING = 1024
_PIECE = 1 << 18

Headers = Sequence[tuple[str, bytes]]
Content = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Records:
    """The records part of a batch that holds one record: ``content`` as it goes over the wire, compressed by ``codec``."""

    codec: int
    content: bytes


def pack(key: bytes | None, value: Content | None, headers: Headers) -> Records:
    """One record, compressed where that is worth it. Takes milliseconds a megabyte, without the interpreter's lock."""
    before = b"".join(
        (b"\0", _varint(0), _varint(0), _field(key), _varint(-1 if value is None else len(value)))
    )
    after = _varint(len(headers)) + b"".join(
        _field(name.encode()) + _field(content) for name, content in headers
    )
    size = len(before) + len(value or b"") + len(after)
    pieces = [_varint(size) + before, value or b"", after]
    codec = _ZSTD if size >= _WORTH_COMPRESSING else _NO_CODEC
    return Records(codec, b"".join(_compressed(pieces) if codec else pieces))


def batch(
    records: Records,
    timestamp: int,
    *,
    transactional: bool = False,
    producer_id: int = -1,
    epoch: int = -1,
    sequence: int = -1,
) -> bytes:
    """The whole batch, of a producer without an id by default. ``timestamp`` in milliseconds since the epoch."""
    attributes = records.codec | (_TRANSACTIONAL if transactional else 0)
    body = _BODY.pack(attributes, 0, timestamp, timestamp, producer_id, epoch, sequence, 1)
    checksum = crc32c.crc32c(records.content, crc32c.crc32c(body))
    head = _HEAD.pack(0, _HEAD.size - 12 + len(body) + len(records.content), -1, _MAGIC, checksum)
    return b"".join((head, body, records.content))


def encode_batch(key: bytes, value: bytes | None, headers: Headers, timestamp: int) -> bytes:
    """A batch of one record, of a producer without an id. ``timestamp`` in milliseconds since the epoch."""
    return batch(pack(key, value, headers), timestamp)


def _compressed(pieces: Sequence[Content]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=sum(map(len, pieces)))
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield compressor.compress(memoryview(piece)[start : start + _PIECE])
    yield compressor.flush()


def _field(content: bytes | None) -> bytes:
    return _varint(-1) if content is None else _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Zigzag, then base 128 with the low groups first."""
    left = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)
