"""TNS packets: what stands around every message.

A header of eight bytes: the length (two bytes and two zero ones until the connection is accepted, four bytes after), the kind,
flags, two zero bytes. A data packet has two more bytes of flags. Packets are at most as long as the session data unit both
sides agreed on; a message may begin and end anywhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import IntEnum

HEADER = 8
DATA_HEADER = HEADER + 2
END_OF_FILE = 0x0040
"""Flag of the empty data packet with which a client says good-bye."""
END_OF_RESPONSE = 0x2000
"""Flag of a response's last data packet, where both sides know of it."""


class Kind(IntEnum):
    CONNECT = 1
    ACCEPT = 2
    REFUSE = 4
    DATA = 6
    MARKER = 12
    ATTENTION = 0x21
    """No packet but a byte sent out of band ("!"), which stands where a packet would begin. A length never begins so."""


class Marker(IntEnum):
    BREAK = 1
    RESET = 2
    INTERRUPT = 3


@dataclass(frozen=True, slots=True)
class Packet:
    kind: int
    body: bytes
    """Without the header and, of a data packet, its flags."""
    flags: int = 0
    """The flags of a data packet."""

    @property
    def marker(self) -> int:
        """Which marker a marker packet is: its third byte."""
        return self.body[2]


async def read_packet(reader: asyncio.StreamReader, *, large: bool) -> Packet:
    """The next packet. ``large`` once the connection is accepted. Raises IncompleteReadError at the end of the stream."""
    header = await reader.readexactly(1)
    if large and header[0] == Kind.ATTENTION:
        return Packet(Kind.ATTENTION, b"")
    header += await reader.readexactly(HEADER - 1)
    size = int.from_bytes(header[: 4 if large else 2], "big")
    body = await reader.readexactly(size - HEADER)
    if header[4] == Kind.DATA:
        return Packet(header[4], body[2:], int.from_bytes(body[:2], "big"))
    return Packet(header[4], body)


def packet(kind: int, body: bytes, *, large: bool) -> bytes:
    """One packet with its header; the body of a data packet begins with its flags."""
    size = HEADER + len(body)
    length = size.to_bytes(4, "big") if large else size.to_bytes(2, "big") + b"\0\0"
    return length + bytes([kind, 0, 0, 0]) + body


def marker(kind: Marker) -> bytes:
    return packet(Kind.MARKER, bytes([1, 0, kind]), large=True)


def data_packets(message: bytes, unit: int, *, last_flags: int = 0) -> list[bytes]:
    """A message cut into data packets of at most ``unit`` bytes, the last one with these flags."""
    room = unit - DATA_HEADER
    pieces = [message[start : start + room] for start in range(0, len(message), room)]
    flags = [0] * (len(pieces) - 1) + [last_flags] if pieces else []
    return [
        packet(Kind.DATA, flag.to_bytes(2, "big") + piece, large=True)
        for flag, piece in zip(flags, pieces, strict=True)
    ]
