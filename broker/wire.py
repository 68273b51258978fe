"""One connection to one broker whose responses each arrive in one buffer of their own (design: "The read path of the gateway").

aiokafka opens it (TCP, TLS, SASL, ApiVersions); then its transport is handed to :class:`Connection`, a BufferedProtocol: the
kernel writes a response straight into the memory that its records are slices of.

Rules:
1. Kafka answers the requests of a connection in the order they were sent, one at a time: a long poll holds up what is sent
   behind it.
2. A request that is no longer awaited leaves its place in the queue: the answer is dropped when it comes. When that can take
   long (a long poll), the caller closes the connection instead.
3. aiokafka's connection object stays referenced (its finalizer closes the socket), and its ``close()`` is never awaited: it
   would wait for the protocol that was taken off.

It leans on private parts of aiokafka, listed in :data:`PRIVATE`; a test fails when they move.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.api import RequestStruct

from broker.clients import connection
from broker.errors import Refused, Retriable, translated
from broker.settings import BrokerSettings

PRIVATE = ("_reader", "_writer", "_read_task", "_versions", "_requests")
_MAX_RESPONSE = 1 << 30
_SIZE = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class Access:
    """How connections are opened: the settings, the client id, and seconds to wait for TCP, TLS and SASL."""

    settings: BrokerSettings
    client_id: str
    timeout: float

    def arguments(self) -> dict[str, Any]:
        """What aiokafka's connection takes besides host and port."""
        shared = connection(self.settings, self.client_id, self.timeout)
        return {
            name: shared[name] for name in shared if name not in ("bootstrap_servers", "retry_backoff_ms")
        }


class Connection(asyncio.BufferedProtocol):
    """Requests out, whole responses in. Made by :meth:`open`."""

    def __init__(self, opened: AIOKafkaConnection, client_id: str) -> None:
        self._opened = opened
        self._client_id = client_id
        self._transport: asyncio.Transport = opened._writer.transport
        self._waiting: deque[tuple[int, asyncio.Future[memoryview]]] = deque()
        self._correlation = 0
        self._size = memoryview(bytearray(_SIZE.size))
        self._buffer = self._size
        self._filled = 0
        self.closed = False

    @classmethod
    async def open(cls, host: str, port: int, access: Access) -> Connection:
        """A ready connection. Raises Retriable when there is no way to the broker, Refused when it does not let us in."""
        opened = AIOKafkaConnection(host, port, **access.arguments())
        with translated():
            async with asyncio.timeout(access.timeout):
                await opened.connect()
        self = cls(opened, access.client_id)
        opened._read_task.cancel()
        self._transport.set_protocol(self)
        return self

    @property
    def pending(self) -> int:
        """Responses that have not arrived yet."""
        return len(self._waiting)

    def supports(self, request: type[RequestStruct]) -> bool:
        low, high = self._opened._versions.get(request.API_KEY, (0, -1))
        return bool(low <= request.API_VERSION <= high)

    async def request(self, request: RequestStruct, timeout: float) -> memoryview:
        """The response behind its correlation id. Raises Retriable when the connection breaks or ``timeout`` seconds pass
        (which closes it), Refused when the broker does not speak this version of the request."""
        if self.closed:
            raise Retriable("The connection to the broker is closed.")
        if not self.supports(type(request)):
            raise Refused(f"The broker does not take {type(request).__name__}.")
        self._correlation = (self._correlation + 1) & 0x7FFFFFFF
        header = request.build_request_header(correlation_id=self._correlation, client_id=self._client_id)
        message = header.encode() + request.encode()
        answer: asyncio.Future[memoryview] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._correlation, answer))
        self._transport.write(_SIZE.pack(len(message)) + message)
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            self.close()
            raise Retriable(f"The broker did not answer within {timeout:g} s.") from error

    def close(self) -> None:
        """Closes the socket; whoever waits for a response gets Retriable."""
        if not self.closed:
            self.closed = True
            self._opened.close()
            self._fail("The connection to the broker was closed.")

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._filled < len(self._buffer):
            return
        whole, self._filled = self._buffer, 0
        if whole is not self._size:
            self._buffer = self._size
            self._answer(whole)
            return
        (size,) = _SIZE.unpack(whole)
        if _SIZE.size <= size <= _MAX_RESPONSE:
            # Not a bytearray: it would be written twice, first with zeros.
            self._buffer = np.empty(size, np.uint8).data
        else:
            self._break(f"The broker announced a response of {size} bytes.")

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._opened.close()
        self._fail(f"The connection to the broker was lost{f': {exc}' if exc else ''}.")

    def _answer(self, response: memoryview) -> None:
        (correlation,) = _SIZE.unpack_from(response)
        if not self._waiting or self._waiting[0][0] != correlation:
            self._break("The broker answered out of order.")
            return
        _, answer = self._waiting.popleft()
        if not answer.done():
            answer.set_result(response[_SIZE.size :])

    def _break(self, why: str) -> None:
        self._fail(why)
        self.close()

    def _fail(self, why: str) -> None:
        while self._waiting:
            _, answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(Retriable(why))
