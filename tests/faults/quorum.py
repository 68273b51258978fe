"""Which node of a cluster is its active controller: DescribeQuorum v0 by hand, since aiokafka does not know it.

A broker's metadata name any broker that lives as "the controller"; the leader of the quorum is told by this request alone.
"""

from __future__ import annotations

import asyncio
import struct

from tests.workers import until

_API_KEY = 55
_TOPIC = b"__cluster_metadata"
_SECONDS = 5.0


def describe_quorum(correlation: int) -> bytes:
    """The request with its size in front: header v2, one topic with partition 0, no tagged fields."""
    header = struct.pack(">hhih", _API_KEY, 0, correlation, -1) + b"\0"
    body = (
        b"\x02" + bytes([len(_TOPIC) + 1]) + _TOPIC + b"\x02" + struct.pack(">i", 0) + b"\0" + b"\0" + b"\0"
    )
    message = header + body
    return struct.pack(">i", len(message)) + message


def leader_in(response: bytes) -> int:
    """The quorum's leader in a response without its size; -1 where there is none now."""
    # Correlation id, no tagged fields; the error; one topic by its name; one partition: its index, its error, its leader.
    at = 4 + 1
    (error,) = struct.unpack_from(">h", response, at)
    at += 2
    if error or response[at] != 2:
        return -1
    at += 1
    at += response[at] + 1
    _, error, leader = struct.unpack_from(">ihi", response, at)
    return -1 if error else int(leader)


async def active_controller(host: str, port: int) -> int:
    """The node id of the active controller as the broker at this address knows it; -1 when it knows of none."""
    try:
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(describe_quorum(1))
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                return leader_in(await reader.readexactly(size))
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return -1


async def controller_of(bootstrap: str) -> int:
    """The same, asking each broker of the bootstrap until one knows."""
    found = -1

    async def is_known() -> bool:
        nonlocal found
        for address in bootstrap.split(","):
            host, _, port = address.partition(":")
            found = await active_controller(host, int(port))
            if found >= 0:
                return True
        return False

    await until(is_known, 60)
    return found
