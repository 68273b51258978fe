"""Writes one record as a record batch of Kafka's message format v2, zstd inside (KIP-98, KIP-110). Pure; the opposite of
:mod:`broker.records`.

aiokafka's producer holds a record three times while it compresses it, and compresses on the event loop: a submit of megabytes
would show in a gateway's memory and in the latency of its streams. Here it is compressed piece by piece.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import crc32c
import zstandard

_HEAD = struct.Struct(">qiibI")
"""Base offset, length, leader epoch, magic, CRC: what the CRC does not cover."""
_BODY = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, base and max timestamp, producer id and epoch, base sequence, record count."""
_MAGIC = 2
_NO_CODEC, _ZSTD = 0, 4
_LEVEL = 1
_WORTH_COMPRESSING = 1024
_PIECE = 1 << 18

Headers = Sequence[tuple[str, bytes]]


def encode_batch(key: bytes, value: bytes | None, headers: Headers, timestamp: int) -> bytes:
    """A batch of one record, of a producer without an id. ``timestamp`` in milliseconds since the epoch."""
    before = b"".join(
        (b"\0", _varint(0), _varint(0), _field(key), _varint(-1 if value is None else len(value)))
    )
    after = _varint(len(headers)) + b"".join(
        _field(name.encode()) + _field(content) for name, content in headers
    )
    size = len(before) + len(value or b"") + len(after)
    pieces = [_varint(size) + before, value or b"", after]
    codec = _ZSTD if size >= _WORTH_COMPRESSING else _NO_CODEC
    records = b"".join(_compressed(pieces) if codec else pieces)
    body = _BODY.pack(codec, 0, timestamp, timestamp, -1, -1, -1, 1)
    checksum = crc32c.crc32c(records, crc32c.crc32c(body))
    head = _HEAD.pack(0, _HEAD.size - 12 + len(body) + len(records), -1, _MAGIC, checksum)
    return b"".join((head, body, records))


def _compressed(pieces: Sequence[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=sum(map(len, pieces)))
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield compressor.compress(memoryview(piece)[start : start + _PIECE])
    yield compressor.flush()


def _field(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Zigzag, then base 128 with the low groups first."""
    left = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)
