"""Chooses ports of the loopback address for children that will listen at them.

Between the choice and the child's bind another ``tracestream`` of this machine could choose the same. So a chosen port is also
claimed, under a name that the kernel gives to one process at a time (Linux: an abstract socket) and frees with it.
"""

from __future__ import annotations

import os
import socket
import sys

from broker.embedded_properties import HOST
from tracestream.exits import CommandError

_TRIED = 100


class Ports:
    """The ports that this process has chosen; they stay claimed until :meth:`close`."""

    def __init__(self) -> None:
        self._claims: list[socket.socket] = []

    def take(self, port: int) -> int:
        """``port`` and no other. Raises CommandError when it is in use."""
        if not self._take(port):
            raise CommandError(
                f"Port {port} is in use. Choose another with --port, or leave it out to get a free one."
            )
        return port

    def take_from(self, first: int) -> int:
        """``first`` or the next one that is free. Raises CommandError when a hundred are in use."""
        for port in range(first, first + _TRIED):
            if self._take(port):
                return port
        raise CommandError(f"Ports {first} to {first + _TRIED - 1} are all in use.")

    def close(self) -> None:
        """Gives up the claims."""
        while self._claims:
            self._claims.pop().close()

    def _take(self, port: int) -> bool:
        return is_free(port) and self._claim(port)

    def _claim(self, port: int) -> bool:
        if sys.platform != "linux":
            return True
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0tracestream-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True


def is_free(port: int) -> bool:
    """Whether a server could listen at ``port`` of the loopback address now."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
