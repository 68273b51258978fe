"""Responses over a real socket, however the network cuts them; the server here answers with bytes of its own."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.fetch import FetchRequest_v10

from broker.errors import Retriable
from broker.protocol import fetch_request
from broker.wire import Connection

_REQUEST = fetch_request({("topic", 0): 0}, read_committed=True, max_bytes=1, max_wait_ms=0)
_HALF_MIB = 1 << 19


@asynccontextmanager
async def connection_to(
    bodies: Sequence[bytes], *, announced: int | None = None
) -> AsyncIterator[Connection]:
    """A connection to a server that answers with each of ``bodies`` in turn, the first and last bytes in packets of their own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for body in bodies:
            (length,) = struct.unpack(">i", await reader.readexactly(4))
            response = (await reader.readexactly(length))[4:8] + body
            whole = struct.pack(">i", announced or len(response)) + response
            for begin, end in ((0, 3), (3, len(whole) // 2), (len(whole) // 2, -1), (-1, None)):
                writer.write(whole[begin:end])
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
        opened = SimpleNamespace(
            _writer=SimpleNamespace(transport=transport),
            _versions={FetchRequest_v10.API_KEY: (0, 99)},
            close=transport.close,
        )
        connection = Connection(cast(AIOKafkaConnection, opened), "test")
        transport.set_protocol(connection)
        yield connection
        connection.close()


@pytest.mark.parametrize("size", [1, 100, _HALF_MIB - 5, _HALF_MIB, _HALF_MIB + 1, 3 * _HALF_MIB, 5_000_000])
async def test_a_response_arrives_whole_also_when_its_last_byte_comes_alone(size: int) -> None:
    """A socket that waits for more bytes than are left would wait for ever."""
    bodies = [os.urandom(size), os.urandom(10), os.urandom(size)]
    async with connection_to(bodies) as connection:
        for body in bodies:
            assert bytes(await connection.request(_REQUEST, timeout=60)) == body


async def test_a_response_that_breaks_off_is_an_error_to_be_repeated() -> None:
    async with connection_to([os.urandom(2 * _HALF_MIB)], announced=4 * _HALF_MIB) as connection:
        with pytest.raises(Retriable):
            await connection.request(_REQUEST, timeout=60)


async def test_a_response_of_an_absurd_size_closes_the_connection() -> None:
    async with connection_to([b"?"], announced=(1 << 30) + 1) as connection:
        with pytest.raises(Retriable, match="announced"):
            await connection.request(_REQUEST, timeout=60)
        assert connection.closed
