"""``Prefer: wait``: the synchronous path of small queries (design: "Prefer: wait").

The job is an ordinary job; only its submit is answered late. Too many IDs, too large an answer, or too late: the caller goes on
with 202, and the job goes on.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from broker.errors import Retriable
from broker.fetch import Record
from gateway.accept import prefers
from gateway.bodies import JSON
from gateway.problems import document_response
from gateway.reading import client_of
from gateway.services import Services, job_url
from gateway.stream import MEDIA_TYPE as NDJSON
from gateway.stream import LogStream
from schemas.headers import TYPE
from schemas.jobs import JobState, Status
from schemas.messages import AGGREGATION, RECORDS, RECORDS_SUFFIX
from schemas.problems import JobExpired

_DATA = b'"data":['
_HEAD_BYTES = 256
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.1
_PATIENCE = 5.0


class _Aggregation(msgspec.Struct):
    data: msgspec.Raw


async def answer_in_time(services: Services, http: Request, state: JobState, seconds: int) -> Response | None:
    """The answer of the job if it ends within ``seconds`` and is small enough; None when the submit is to be answered 202."""
    if state.request.cid_count > services.settings.sync_max_cids:
        return None
    ended = await _ended(services, state, seconds)
    if ended is None:
        return None
    headers = {"Location": job_url(ended.job_id), "Preference-Applied": f"wait={seconds}"}
    if ended.status is Status.EXPIRED:
        raise JobExpired("The job was deleted while its answer was waited for.")
    if ended.status is Status.FAILED and ended.problem is not None:
        status = ended.problem.get("status")
        return document_response(ended.problem, status if isinstance(status, int) else 500, headers)
    headers["Cache-Control"] = "no-store"
    if prefers(http.headers.getlist("accept"), JSON, NDJSON):
        return Response(await _object(services, ended), 200, headers, JSON)
    return LogStream(services.reading, ended, client_of(http), headers=headers)


async def _ended(services: Services, state: JobState, seconds: int) -> JobState | None:
    """The job once it has ended; None when it is too late, or too large already."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    current: JobState | None = state
    while current is not None:
        if sum(done.bytes for done in current.progress) > services.settings.sync_bytes:
            return None
        if current.ended:
            return current
        if clock() >= until:
            return None
        current = await services.view.wait_change(state.job_id, current.version, until - clock())
    return None


async def _object(services: Services, state: JobState) -> bytes:
    """``{job, domains: {name: [records]}, aggregation}``; the records are the stored bytes."""
    domains: defaultdict[str, list[bytes]] = defaultdict(list)
    aggregation: bytes | msgspec.Raw = b"null"
    async for record in _log(services, state):
        kind = record.headers.get(TYPE, b"").decode()
        if kind == RECORDS and record.value is not None:
            begin = bytes(record.value[:_HEAD_BYTES]).index(_DATA) + len(_DATA)
            end = len(record.value) - len(RECORDS_SUFFIX)
            domains[record.headers["domain"].decode()].append(bytes(record.value[begin:end]))
        elif kind == AGGREGATION and record.value is not None:
            aggregation = msgspec.json.decode(record.value, type=_Aggregation).data
    lists = {
        name: msgspec.Raw(b"[" + b",".join(domains.get(name, ())) + b"]") for name in state.request.domains
    }
    document = {
        "job": services.document(state),
        "domains": lists,
        "aggregation": msgspec.Raw(bytes(aggregation)),
    }
    return msgspec.json.encode(document)


async def _log(services: Services, state: JobState) -> AsyncIterator[Record]:
    """The log of an ended job. Its state may be seen a moment before the log's end: that moment is waited for."""
    position, pause = state.first_offset or 0, _FIRST_PAUSE
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while position < state.end_offset:
        found = await services.reading.fetches.get(state.topic, position)
        for record in found.records:
            if record.offset >= position:
                yield record
        if found.next_offset > position:
            position = found.next_offset
        elif asyncio.get_running_loop().time() >= deadline:
            raise Retriable(f"{state.topic} can't be read to its end now.")
        else:
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
