"""What is counted of each request, and the access log (off by default): ASGI middleware, the outermost."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import rawbody

log = logging.getLogger(__name__)

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds of the histogram of the time to the first byte."""


@dataclass(slots=True)
class Counts:
    """Since the start: answers by (route, method, status), bytes of bodies, times to the head of the answer."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    bytes_sent: int = 0
    in_progress: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def note_bytes(self, size: int) -> None:
        self.bytes_sent += size

    def note_time(self, seconds: float) -> None:
        self.seconds += seconds
        self.buckets[next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))] += 1


class Telemetry:
    """Counts into ``counts``. A route is named by its template, so that ids do not become label values."""

    def __init__(self, app: ASGIApp, counts: Counts, *, access_log: bool) -> None:
        self._app = app
        self._counts = counts
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        counts, begun, status = self._counts, time.perf_counter(), 0

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                counts.note_time(time.perf_counter() - begun)
            elif message["type"] == "http.response.body":
                counts.note_bytes(len(message.get("body", b"")))
            await send(message)

        raw = rawbody.offered(scope)
        if raw is not None:
            raw.on_sent = counts.note_bytes
        counts.in_progress += 1
        try:
            await self._app(scope, receive, counting)
        finally:
            counts.in_progress -= 1
            counts.requests[(scope.get("route_template", "other"), _method(scope), status)] += 1
            if self._access_log:
                client = scope["client"][0] if scope["client"] else "-"
                elapsed = time.perf_counter() - begun
                log.info("%s %s %s %d %.3f s", client, scope["method"], scope["path"], status, elapsed)


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT")
    return scope["method"] if scope["method"] in known else "other"
