"""Which hosts a request may name, and the headers that keep a browser from doing more than is meant: ASGI middleware.

An unknown Host is refused, because a page elsewhere whose name an attacker points here (DNS rebinding) would otherwise be of
this gateway's own origin.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import problem_response
from schemas.problems import UnknownHost

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Set where a response does not say something else itself."""


class Guard:
    """Refuses hosts that are neither loopback nor in ``hosts`` (names, ``*.domain`` or ``*``), and adds the headers."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        names = {host.lower() for host in hosts} | LOOPBACK_NAMES
        self._any = "*" in names
        self._names = frozenset(names)
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        named = Headers(scope=scope).getlist("host")
        if len(named) == 1 and self._allows(named[0]):
            await self._app(scope, receive, adding)
            return
        shown = ", ".join(named)[:100] or "nothing"
        problem = UnknownHost(
            f"The Host header names {shown}. Use this gateway's own address, or add the name to TRACE_ALLOWED_HOSTS."
        )
        await problem_response(problem)(scope, receive, adding)

    def _allows(self, host: str) -> bool:
        name = host_name(host)
        return self._any or name in self._names or name.endswith(self._suffixes)


def host_name(host: str) -> str:
    """The name in a Host header, lower case, without its port and a closing dot."""
    name = host.strip().lower()
    name = name[: name.rfind("]") + 1] if name.startswith("[") else name.partition(":")[0]
    return name.removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
