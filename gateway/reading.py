"""What the routes that read job logs share: the logs, the view of the jobs, the settings, and who is reading.

Rule: a handler here raises :class:`schemas.problems.Problem` or a ``BrokerError``; whoever mounts it turns both into
problem+json.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from starlette.requests import Request

from gateway.fetches import Fetches
from gateway.settings import GatewaySettings
from joblog.cursors import Bookmarks
from schemas.jobs import JobState, Status
from schemas.problems import InvalidParameter, JobExpired, TooManyStreams

_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)


class JobView(Protocol):
    """The gateway's view of ``trace.jobs`` as readers of logs use it."""

    async def find(self, job_id: str) -> JobState:
        """The newest state; a submit that has none yet as ``queued``. Raises UnknownJob once both topics were read to their
        ends as of the call, NotReady, or a BrokerError."""

    def state(self, job_id: str) -> JobState | None:
        """The newest state that is known, without waiting."""

    async def wait_change(self, job_id: str, after_version: int, timeout: float) -> JobState | None:
        """The state once its version is above ``after_version`` or the job is gone (None); the one known after ``timeout``
        seconds."""


class Reading:
    """What :func:`gateway.stream.stream` and :func:`gateway.pages.page` need."""

    def __init__(self, fetches: Fetches, view: JobView, settings: GatewaySettings) -> None:
        self.fetches = fetches
        self.view = view
        self.settings = settings
        self.bookmarks = Bookmarks()
        self.draining = False
        self._streams: Counter[str] = Counter()
        self._open: dict[asyncio.Future[None], str] = {}

    @property
    def open_streams(self) -> int:
        return len(self._open)

    def drain(self) -> None:
        """Ends every stream behind the line it is writing; called once, at SIGTERM."""
        self.draining = True
        for over in list(self._open):
            if not over.done():
                over.set_result(None)

    @contextmanager
    def stream_of(self, client: str) -> Iterator[asyncio.Future[None]]:
        """Counts a stream while it lasts. What it yields is done when the stream is to end. Raises TooManyStreams."""
        allowed = self.settings.streams_per_client
        if self._streams[client] >= allowed:
            raise TooManyStreams(
                f"This client has {allowed} streams open; close one, or try again later.", retry_after=5
            )
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._streams[client] += 1
        self._open[over] = client
        if self.draining:
            over.set_result(None)
        try:
            yield over
        finally:
            del self._open[over]
            self._streams[client] -= 1
            if not self._streams[client]:
                del self._streams[client]

    async def readable(self, job_id: str) -> JobState:
        """The state of a job whose log may be read. Raises UnknownJob, JobExpired, NotReady, or a BrokerError."""
        state = await self.view.find(job_id)
        if state.status is Status.EXPIRED:
            raise JobExpired(f"The log of job {job_id} was deleted; submit the query again.")
        return state


def client_of(request: Request) -> str:
    """Who asks: the client's address until there is authentication."""
    return request.client.host if request.client else ""


def whole_number(text: str, name: str) -> int:
    """A whole number from 0. Raises InvalidParameter naming it."""
    if not _WHOLE.fullmatch(text):
        raise InvalidParameter(f"{name} is {text[:40]!r}; it must be a whole number from 0.", parameter=name)
    return int(text)


def limit_of(parameters: Mapping[str, str], largest: int | None = None) -> int | None:
    """``limit``, from 1 to ``largest``; None when it is not given. Raises InvalidParameter."""
    if "limit" not in parameters:
        return None
    limit = whole_number(parameters["limit"], "limit")
    if limit < 1 or (largest is not None and limit > largest):
        bounds = "at least 1" if largest is None else f"from 1 to {largest}"
        raise InvalidParameter(f"limit is {limit}; it must be {bounds}.", parameter="limit")
    return limit


def offset_of(parameters: Mapping[str, str]) -> int | None:
    """``offset``; None when it is not given. Raises InvalidParameter."""
    return whole_number(parameters["offset"], "offset") if "offset" in parameters else None
