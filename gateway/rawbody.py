"""Pieces of a response body straight to the socket, as one chunk of HTTP/1.1 (RFC 9112, section 7.1) and without a copy.

ASGI knows one piece a message, and uvicorn joins each with its chunk's frame: for lines of megabytes that copy is a tenth of
what the gateway spends (docs/decisions/0009). The server offers this way in the request's scope, as ASGI provides for; who does
not find it there sends messages. The head and the end of the response stay messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.types import Scope

EXTENSION = "tracestream.raw_body"
"""Its name in ``scope["extensions"]``; the value is ``{"body": RawBody}``."""


class Flow(Protocol):
    """What uvicorn knows of the transport's write buffer."""

    write_paused: bool

    async def drain(self) -> None: ...


class RawBody:
    """The body of the response under way on one connection. ``on_sent`` is told the bytes of each call."""

    def __init__(self, transport: asyncio.Transport, flow: Flow) -> None:
        self._transport = transport
        self._flow = flow
        self.on_sent: Callable[[int], None] = lambda size: None

    async def send(self, *pieces: bytes | memoryview) -> None:
        """Sends ``pieces`` as one chunk; returns when the socket has taken them, or at once when the client is gone."""
        size = sum(map(len, pieces))
        if not size or self._transport.is_closing():
            return
        self.on_sent(size)
        self._transport.writelines((b"%x\r\n" % size, *pieces, b"\r\n"))
        await self._flow.drain()


def offered(scope: Scope) -> RawBody | None:
    """The server's offer for this request, if there is one and the response will be chunked."""
    if scope["method"] == "HEAD" or scope["http_version"] != "1.1":
        return None
    found: RawBody | None = scope.get("extensions", {}).get(EXTENSION, {}).get("body")
    return found
