"""A job's log as a stream: replayed from an offset, then followed to its end (design: "Streams", "Browsers").

Rules:
1. The next message is fetched only when the socket has taken the last one: what a client does not read is not fetched. Only for
   a client that took its last line within a moment the next two are read while the socket takes this one; nothing runs ahead
   of a slow client (docs/decisions/0008).
2. A stream that reached the end of a running job's log asks Kafka nothing: it waits for the view to report the job's next
   state, which is the last write of each transaction (docs/decisions/0003). The commit markers of the log and of the state
   are written independently, so what the state promises may show a moment later: short polls, each pause twice the last.
3. Only the terminal message says that a stream is whole. It ends with it, after ``limit`` lines, or, when the gateway
   drains, behind a line. At expiry it is cut without a final chunk.
4. After a disconnect uvicorn's ``send`` returns at once: each round yields, and looks whether the client is still there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.errors import BrokerError, OffsetOutOfRange, Refused, TopicGone
from broker.fetch import Record
from gateway.fetches import Slice
from gateway.rawbody import RawBody, offered
from gateway.reading import Reading, client_of, limit_of, offset_of, whole_number
from gateway.splice import splice
from schemas.headers import TYPE
from schemas.jobs import JobState, Status
from schemas.messages import TERMINAL
from schemas.problems import InvalidParameter
from schemas.problems import OffsetOutOfRange as OffsetProblem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/x-ndjson"
SAFETY_POLL = 2.0
"""Seconds after which a waiting stream looks into the log although the view reported nothing."""

QUICK = 0.05
"""Seconds: a client that takes a line of megabytes within them keeps up."""

AHEAD = 2
"""Lines that are read ahead for such a client."""

_BLANK_LINE = b"\n"
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.25
_TERMINAL = frozenset(name.encode() for name in TERMINAL)

T = TypeVar("T")


async def stream(request: Request, reading: Reading) -> Response:
    """``GET /api/trace/job/{job_id}/stream``. Raises InvalidParameter, UnknownJob, JobExpired, OffsetOutOfRange."""
    job_id = request.path_params["job_id"]
    offset, limit = _start(request), limit_of(request.query_params)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}
    if _download(request):
        headers["Content-Disposition"] = f'attachment; filename="trace-{job_id}.ndjson"'
    state = await reading.readable(job_id)
    if offset > 0:
        await _check_offset(reading, state, offset)
        if state.ended and offset >= state.end_offset:
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return LogStream(reading, state, client_of(request), offset=offset, limit=limit, headers=headers)


def _start(request: Request) -> int:
    """Where the stream begins: ``offset``, else behind ``Last-Event-ID``, else 0."""
    last = request.headers.get("last-event-id", "")
    behind = whole_number(last, "Last-Event-ID") + 1 if last else 0
    offset = offset_of(request.query_params)
    return behind if offset is None else offset


def _download(request: Request) -> bool:
    value = request.query_params.get("download", "0")
    if value not in ("0", "1"):
        raise InvalidParameter(f"download is {value[:40]!r}; it must be 0 or 1.", parameter="download")
    return value == "1"


async def _check_offset(reading: Reading, state: JobState, offset: int) -> None:
    """0 to the high watermark is legal; a job without a topic has none but 0."""
    start, end = 0, 0
    try:
        offsets = await reading.fetches.offsets(state.topic)
        start, end = offsets.start, offsets.end
    except TopicGone:
        if state.end_offset:
            raise
    if offset > end:
        raise OffsetProblem(
            f"The log has the offsets {start} to {end}; {offset} is beyond its end.", earliest=start, end=end
        )


class _Over(Exception):
    """The client is gone, or the gateway drains."""


class LogStream(Response):
    """The response: lines from ``offset`` on, at most ``limit`` of them."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        reading: Reading,
        state: JobState,
        client: str,
        *,
        offset: int = 0,
        limit: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        # Not Response.__init__: it would announce a body of length 0.
        self.status_code = 200
        self.background = None
        self.init_headers(headers)
        self._reading = reading
        self._topic = state.topic
        self._job_id = state.job_id
        self._client = client
        self._position = offset
        self._left = limit
        self._pause = _FIRST_PAUSE
        self._send: Send
        self._raw: RawBody | None = None
        self._over: asyncio.Future[None]
        self._sent_at = 0.0
        self._quick = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._reading.stream_of(self._client) as self._over:
            self._send, self._raw = send, offered(scope)
            watch = asyncio.create_task(_watch(receive, self._over))
            try:
                await self._line(start=True)
                whole = scope["method"] == "HEAD" or await self._run()
            except _Over:
                whole = self._reading.draining
            finally:
                watch.cancel()
        if whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _line(self, *pieces: bytes | memoryview, start: bool = False) -> None:
        """Sends the head, or pieces of the body; returns when the socket has taken them."""
        if start:
            await self._send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
        if self._raw is not None and not start:
            await self._raw.send(*pieces)
        else:
            # uvicorn waits for the socket before it writes, so the empty piece waits for the last one.
            for piece in (*pieces, b""):
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._sent_at = asyncio.get_running_loop().time()
        await asyncio.sleep(0)

    async def _run(self) -> bool:
        """Sends lines until the stream is over; False when it must be cut."""
        small, ahead = True, 1
        while True:
            state = self._reading.view.state(self._job_id)
            if state is None or state.status is Status.EXPIRED:
                return False
            found = await self._slice(state, small)
            if found is None:
                return False
            asked = self._position
            if found.records:
                small, ahead = found.small, AHEAD if found.single else 1
            await self._read_ahead(found, state, ahead)
            for record in found.records:
                if await self._record(record):
                    return True
            if found.next_offset > asked:
                self._position, self._pause = found.next_offset, _FIRST_PAUSE
            elif state.ended and state.end_offset <= self._position:
                return True
            else:
                await self._wait(state)

    async def _record(self, record: Record) -> bool:
        """Sends one line; True when it is the last one."""
        if record.value is None:
            return False
        clock = asyncio.get_running_loop().time
        begun = clock()
        await self._line(*splice(record.offset, record.value))
        self._quick = clock() - begun < QUICK
        self._position = record.offset + 1
        if self._left is not None:
            self._left -= 1
        if self._over.done():
            raise _Over
        return record.headers.get(TYPE) in _TERMINAL or self._left == 0

    async def _read_ahead(self, found: Slice, state: JobState, most: int) -> None:
        """Begins to read what stands behind ``found`` for a client that keeps up, if it wants it and the log has it.

        Where lines are large each has an offset of its own, so that the one after the next is asked for before the next is here.
        """
        left = most if self._left is None else min(self._left - len(found.records), most)
        end = min(found.next_offset + left, state.end_offset)
        if self._quick and self._position < found.next_offset < end:
            for offset in range(found.next_offset, end):
                self._reading.fetches.want(self._topic, offset)
            # The first round lets the request be made, the second lets it be sent: the broker answers while we write.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _slice(self, state: JobState, several: bool) -> Slice | None:
        """What stands at the position, an empty slice while nothing can be read; None when it never will be."""
        nothing = Slice((), self._position, 0)
        if state.status is Status.QUEUED:
            return nothing
        kept = self._reading.fetches.kept(self._topic, self._position)
        if kept is not None:
            return kept
        try:
            return await self._meanwhile(
                self._reading.fetches.read(self._topic, self._position, several=several)
            )
        except (OffsetOutOfRange, Refused) as error:
            log.warning("The stream of job %s is cut: %s", self._job_id, error)
            return None
        except BrokerError as error:
            if isinstance(error, TopicGone) and state.end_offset > 0:
                return None
            log.info("The stream of job %s waits for Kafka: %s", self._job_id, error)
            self._pause = SAFETY_POLL
            return nothing

    async def _wait(self, state: JobState) -> None:
        """Until there may be more to read: a moment when the state promises it, else until the state changes."""
        if state.end_offset > self._position:
            await self._meanwhile(asyncio.sleep(self._pause))
            self._pause = min(self._pause * 2, max(_LONGEST_PAUSE, self._pause))
        else:
            await self._meanwhile(self._reading.view.wait_change(self._job_id, state.version, SAFETY_POLL))

    async def _meanwhile(self, waited: Awaitable[T]) -> T:
        """What is waited for, with blank lines while it takes. Raises _Over when the stream is to end first.

        A task is somebody else's too and goes on; anything else is cancelled with the stream.
        """
        task = asyncio.ensure_future(waited)
        pending: set[asyncio.Future[Any]] = {task, self._over}
        clock = asyncio.get_running_loop().time
        try:
            while True:
                quiet = self._sent_at + self._reading.settings.keepalive_seconds - clock()
                await asyncio.wait(pending, timeout=max(quiet, 0), return_when=asyncio.FIRST_COMPLETED)
                if self._over.done():
                    raise _Over
                if task.done():
                    return task.result()
                await self._line(_BLANK_LINE)
        finally:
            if task is not waited:
                task.cancel()


async def _watch(receive: Receive, over: asyncio.Future[None]) -> None:
    """Resolves ``over`` when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    if not over.done():
        over.set_result(None)
