"""A domain's records by record offset, for clients that cannot stream (design: "Pages").

Rules:
1. What a page holds follows from the job's state as of the request, even while the job runs.
2. The log is searched by its headers (:mod:`joblog.cursors`); records are cut as raw JSON, never decoded.
3. A page is planned before its head is sent, since ``Link`` and the length stand there. What does not fit into 8 MiB is read
   again while it is sent, message by message, so that a slow client holds little.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from broker.errors import Retriable
from gateway.cuts import Cut, cut, plan
from gateway.fetches import Slice
from gateway.reading import Reading, limit_of, offset_of
from joblog.cursors import DomainSize, Layout, Search
from schemas.headers import MessageHeaders, decode
from schemas.jobs import DomainProgress, JobState
from schemas.messages import RECORDS
from schemas.problems import DomainNotInJob, InvalidParameter

DEFAULT_LIMIT = 5000
RETRY_AFTER = 1
"""Seconds after which a page that reached the end of what exists is worth asking for again."""

_HELD_BYTES = 8 * 1024 * 1024
_PATIENCE = 5.0
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: records of ``domain`` from record offset ``offset`` on, at most ``limit``."""

    domain: str
    offset: int
    limit: int


async def page(request: Request, reading: Reading) -> Response:
    """``GET /api/trace/job/{job_id}/result``. Raises InvalidParameter, UnknownJob, JobExpired, DomainNotInJob, or a
    BrokerError."""
    wanted = _wanted(request, reading.settings.page_limit)
    state = await reading.readable(request.path_params["job_id"])
    progress = next((each for each in state.progress if each.domain == wanted.domain), None)
    if progress is None:
        asked = ", ".join(state.request.domains)
        raise DomainNotInJob(f"The job was asked for {asked}, not for {wanted.domain[:100]!r}.")
    headers = {"Cache-Control": "no-store"}
    if state.ended:
        headers = _cached(state, wanted, reading.settings.page_bytes, int(time.time() * 1000))
        if _matches(request.headers.get("if-none-match", ""), headers["ETag"]):
            return Response(status_code=304, headers=headers)
    head = _head(state, progress, wanted)
    source = _Source(reading, state)
    cuts = await source.plan(progress, wanted, reading.settings.page_bytes - len(head) - len(_TAIL))
    taken = sum(each.count for each in cuts)
    following, more_now = _following(state, progress, wanted, taken)
    if following is not None:
        query = urlencode({"domain": wanted.domain, "offset": following, "limit": wanted.limit})
        headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
        if not more_now:
            headers["Retry-After"] = str(RETRY_AFTER)
    return Page(source, head, cuts, headers)


def _wanted(request: Request, largest: int) -> Wanted:
    parameters = request.query_params
    if not parameters.get("domain"):
        raise InvalidParameter("domain is missing; name one of the job's domains.", parameter="domain")
    limit = limit_of(parameters, largest)
    return Wanted(
        domain=parameters["domain"],
        offset=offset_of(parameters) or 0,
        limit=min(DEFAULT_LIMIT, largest) if limit is None else limit,
    )


_TAIL = b"]}"


def _head(state: JobState, progress: DomainProgress, wanted: Wanted) -> bytes:
    """The body before the first record."""
    members = {
        "domain": wanted.domain,
        "offset": wanted.offset,
        "limit": wanted.limit,
        "total": progress.records if progress.ended else None,
        "status": state.status,
    }
    return msgspec.json.encode(members)[:-1] + b',"data":['


def _following(
    state: JobState, progress: DomainProgress, wanted: Wanted, taken: int
) -> tuple[int | None, bool]:
    """The record offset of the next page, if there may be one, and whether it has records now."""
    behind = wanted.offset + taken
    more_now = behind < progress.records
    final = progress.ended or state.ended
    return (behind if more_now or not final else None), more_now


def _cached(state: JobState, wanted: Wanted, page_bytes: int, now_ms: int) -> dict[str, str]:
    """The headers of a page that never changes: it may be kept until the log expires."""
    seconds = max(0, ((state.expires_at or now_ms) - now_ms) // 1000)
    identity = repr((state.job_id, wanted, state.status.value, state.end_offset, page_bytes)).encode()
    tag = hashlib.blake2b(identity, digest_size=12).hexdigest()
    return {"ETag": f'"{tag}"', "Cache-Control": f"private, max-age={seconds}, immutable"}


def _matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110, section 13.1.2: a list of entity tags, compared weakly, or ``*``."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags


class _Source:
    """One job's log as pages read it."""

    def __init__(self, reading: Reading, state: JobState) -> None:
        self._reading = reading
        self._state = state
        self._held: dict[int, memoryview] = {}
        self._held_bytes = 0

    async def plan(self, progress: DomainProgress, wanted: Wanted, room: int) -> list[Cut]:
        """The cuts that make up the page: at most ``wanted.limit`` records and ``room`` bytes; at least one record, if any."""
        want = min(wanted.limit, progress.records - wanted.offset)
        if want <= 0:
            return []
        cuts: list[Cut] = []
        next_record, position = wanted.offset, await self._place(progress.domain, wanted.offset)
        while want > 0:
            found = await self._slice(position)
            for record in found.records:
                headers = decode(record.headers)
                first, count = headers.first or 0, headers.count or 0
                if not _holds(headers, progress.domain, next_record) or record.value is None or want <= 0:
                    continue
                planned = plan(record.offset, record.value, next_record - first, want, room)
                if not planned.count and not cuts:
                    planned = plan(record.offset, record.value, next_record - first, 1, record.value.nbytes)
                self._hold(record.offset, record.value)
                if planned.count:
                    cuts.append(planned)
                    next_record, want = next_record + planned.count, want - planned.count
                    room -= planned.size + 1
                exhausted = planned.end == count
                behind = record.offset + 1 if exhausted else record.offset
                self._reading.bookmarks.put(self._state.topic, progress.domain, next_record, behind)
                if not exhausted:
                    want = 0
            position = found.next_offset
        return cuts

    async def bytes_of(self, planned: Cut) -> bytes:
        """The records of one cut, from memory or read again."""
        value = self._held.get(planned.offset)
        if value is None:
            found = await self._slice(planned.offset)
            value = next(each.value for each in found.records if each.offset == planned.offset)
            assert value is not None
        return cut(value, planned)

    def _hold(self, offset: int, value: memoryview) -> None:
        if self._held_bytes + value.nbytes <= _HELD_BYTES:
            self._held[offset] = value
            self._held_bytes += value.nbytes

    async def _place(self, domain: str, record: int) -> int:
        """The Kafka offset of the message that holds the record."""
        known = self._reading.bookmarks.get(self._state.topic, domain, record)
        if known is not None:
            return known
        sizes = [DomainSize(each.domain, each.records, each.batches) for each in self._state.progress]
        layout = Layout(sizes, self._state.first_offset or 0, self._state.end_offset)
        search = Search(layout, layout.number(domain), record)
        while (asked := search.probe()) is not None:
            found = await self._slice(asked)
            if found.records:
                first = found.records[0]
                search.saw(asked, layout.mark(first.offset, decode(first.headers)), first.offset + 1)
            else:
                search.saw_nothing(asked, found.next_offset)
        if search.found is None:
            raise Retriable(f"Record {record} of {domain} can't be found in {self._state.topic} now.")
        return search.found.offset

    async def _slice(self, offset: int) -> Slice:
        """What stands at ``offset``. The state may be seen a moment before the log it speaks of: that moment is waited for."""
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + _PATIENCE, _FIRST_PAUSE
        while True:
            found = await self._reading.fetches.get(self._state.topic, offset)
            if found.next_offset > offset:
                return found
            if clock() >= deadline:
                raise Retriable(f"{self._state.topic} can't be read at offset {offset} now.")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _holds(headers: MessageHeaders, domain: str, record: int) -> bool:
    first, count = headers.first or 0, headers.count or 0
    return headers.type == RECORDS and headers.domain == domain and first <= record < first + count


class Page(Response):
    """The response: the head, the cuts, the tail, with their length announced."""

    media_type = "application/json"

    def __init__(self, source: _Source, head: bytes, cuts: list[Cut], headers: dict[str, str]) -> None:
        # Not Response.__init__: it would announce a body of length 0.
        length = len(head) + sum(each.size for each in cuts) + max(len(cuts) - 1, 0) + len(_TAIL)
        self.status_code = 200
        self.background = None
        self.init_headers({**headers, "Content-Length": str(length)})
        self._source = source
        self._head = head
        self._cuts = cuts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            before = self._head
            for each in self._cuts:
                await _piece(send, before)
                await _piece(send, await self._source.bytes_of(each))
                before = b","
            await _piece(send, _TAIL if self._cuts else self._head + _TAIL)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _piece(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await asyncio.sleep(0)
