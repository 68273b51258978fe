"""Readers over HTTP that are cut at random and resume behind their last whole line, at whichever gateway.

They know nothing but the contract: a body without a terminal message is a cut, 204 says that nothing follows, 410 that the log
is gone, 5xx and broken connections are tried again. Everything else is a fault of the gateway.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Sequence

import httpx

from schemas.messages import TERMINAL

_HEAD = re.compile(rb'\{"offset":(\d+),"type":"([a-z_]+)"')
_PAUSE = 0.1
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)


class Reader:
    """Reads a job's stream to its end. ``lines`` are put together from all its connections.

    ``may_go``: whether the log may be removed while it is read. ``cuts`` counts the connections that it broke itself, ``broken``
    those that broke for it.
    """

    def __init__(self, urls: Sequence[str], job_id: str, seed: str, may_go: Callable[[], bool]) -> None:
        self.lines: list[bytes] = []
        self.job_id = job_id
        self.faults: list[str] = []
        self.cuts = 0
        self.broken = 0
        self.gone = False
        self._urls = urls
        self._may_go = may_go
        self._rng = random.Random(seed)
        self._next = 0
        self._ended = False

    async def run(self) -> None:
        """Ends with the terminal message, when the log is gone, or with a fault."""
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False) as client:
            while not (self._ended or self.gone or self.faults):
                try:
                    async with asyncio.timeout(self._rng.choice((0.3, 0.8, 2.0, 5.0))):
                        await self._read(client, self._rng.choice(self._urls))
                except TimeoutError:
                    self.cuts += 1
                except httpx.HTTPError:
                    self.broken += 1
                    await asyncio.sleep(_PAUSE)

    async def _read(self, client: httpx.AsyncClient, url: str) -> None:
        """One connection."""
        asked = f"{url}/api/trace/job/{self.job_id}/stream"
        headers = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
        async with client.stream("GET", asked, params={"offset": self._next}, headers=headers) as response:
            if response.status_code == 200:
                await self._take(response)
                return
            await response.aread()
        self._judge(response)
        await asyncio.sleep(_PAUSE)

    async def _take(self, response: httpx.Response) -> None:
        rest = b""
        until = self._rng.choice((2_000, 200_000, 10_000_000))
        async for piece in response.aiter_raw():
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(None, lines):
                self._take_line(line + b"\n")
            until -= len(piece)
            if until < 0 and not self._ended:
                self.cuts += 1
                return

    def _take_line(self, line: bytes) -> None:
        match = _HEAD.match(line)
        if match is None:
            self.faults.append(f"not a line of a stream: {line[:80]!r}")
            return
        offset, kind = int(match[1]), match[2].decode("ascii")
        if offset < self._next or self._ended:
            self.faults.append(f"asked from offset {self._next}, got {kind} at {offset}")
        self.lines.append(line)
        self._next = offset + 1
        self._ended = self._ended or kind in TERMINAL

    def _judge(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 410 and self._may_go():
            self.gone = True
        elif status < 500:
            self.faults.append(
                f"a stream from {self._next} was answered with {status}: {response.text[:200]}"
            )
