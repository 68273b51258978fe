"""Tells whoever started this process that it is ready: the datagram of systemd's ``sd_notify(3)``.

``tracestream up`` listens in the same way, so that a unit file and ``up`` need one mechanism. Without NOTIFY_SOCKET
nothing is sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress

NOTIFY_SOCKET = "NOTIFY_SOCKET"
READY = b"READY=1"


def ready(environ: Mapping[str, str]) -> None:
    """Says that this process is ready."""
    address = environ.get(NOTIFY_SOCKET, "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
        sender.connect(_raw(address))
        sender.send(READY)


class Listener(asyncio.DatagramProtocol):
    """Hears one child; ``address`` is what it gets as NOTIFY_SOCKET. Made by :func:`listen`, ended by :meth:`close`."""

    def __init__(self, address: str, on_ready: Callable[[], None]) -> None:
        self.address = address
        self._on_ready = on_ready
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        if READY in data.splitlines():
            self._on_ready()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        if not self.address.startswith("@"):
            with suppress(OSError):
                os.unlink(self.address)  # noqa: PTH108


async def listen(name: str, on_ready: Callable[[], None]) -> Listener:
    """A listener at an address of its own: an abstract one on Linux, which leaves no file behind."""
    unique = f"tracestream-{os.getpid()}-{os.urandom(4).hex()}-{name}"
    address = f"@{unique}" if sys.platform == "linux" else os.path.join(tempfile.gettempdir(), unique)  # noqa: PTH118
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.bind(_raw(address))
        loop = asyncio.get_running_loop()
        _, listener = await loop.create_datagram_endpoint(lambda: Listener(address, on_ready), sock=opened)
    except BaseException:
        opened.close()
        raise
    return listener


def _raw(address: str) -> str:
    return "\0" + address[1:] if address.startswith("@") else address
