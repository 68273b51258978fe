"""``POST /api/trace/jobs`` (design: "Submit").

The order: the body is read and checked whole; the limits are checked; one record is written; then 202. Before the record
nothing exists. With an Idempotency-Key the first record of the key's job id decides, also between gateways: after the
acknowledgement this gateway reads up to its own record and compares the hash of what stands there first.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from broker.errors import BrokerError
from gateway.bodies import json_response, read_json
from gateway.commandlog import encode_command
from gateway.describe import submit_answer
from gateway.identifiers import DistinctIds, distinct_ids
from gateway.reading import client_of
from gateway.services import Services, job_url, now_ms
from gateway.wait import answer_in_time
from schemas.commands import Request, submit_headers
from schemas.jobs import JobState, Status
from schemas.problems import JobExpired, KeyReused, OutcomeUnknown, TooManyJobs
from schemas.requests import SubmitBody, Wanted, check_key, check_submit, decode_body, preferred_wait
from schemas.topics import keyed_job_id, new_job_id

_SMALL_BODY = 32 * 1024
"""Bytes. A body below this is checked in less than a millisecond; a larger one in a thread, so that nobody waits for it."""


@dataclass(slots=True)
class Prepared:
    """A checked request and its record."""

    request: Request
    command: bytes


class Submits:
    """Takes jobs. ``under_way`` counts those that are written but not yet seen in the view, by principal."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._under_way: Counter[str] = Counter()
        self._preparing = asyncio.Semaphore(2)

    async def submit(self, http: HttpRequest) -> Response:
        """The handler. Raises a problem of the request, TooManyJobs, NotReady, BrokerUnavailable, OutcomeUnknown or KeyReused."""
        key = check_key(http.headers.get("idempotency-key"))
        state = await self._take(await self._read(http, key), keyed=key is not None)
        seconds = preferred_wait(http.headers.getlist("prefer"), self._services.settings.sync_seconds)
        if seconds is not None:
            answer = await answer_in_time(self._services, http, state, seconds)
            if answer is not None:
                return answer
            state = self._services.view.state(state.job_id) or state
        return json_response(submit_answer(state), 202, {"Location": job_url(state.job_id)})

    async def _read(self, http: HttpRequest, key: str | None) -> Prepared:
        """The command of a checked body; the body itself and the IDs are let go."""
        principal, now = client_of(http), now_ms()
        job_id = new_job_id(now, os.urandom(10)) if key is None else keyed_job_id(principal, key)
        body = await read_json(http, self._services.settings.max_body)
        if len(body) < _SMALL_BODY:
            return self._prepare(body, job_id, principal, now)
        async with self._preparing:
            return await asyncio.to_thread(self._prepare, body, job_id, principal, now)

    def _prepare(self, body: bytearray, job_id: str, principal: str, now: int) -> Prepared:
        settings = self._services.settings
        asked = decode_body(body, SubmitBody)
        wanted = check_submit(asked, self._services.offer)
        plain = wanted.aggregation is None
        ids = distinct_ids(
            asked.container_ids, settings.max_cids_without_aggregation if plain else settings.max_cids
        )
        del asked
        body.clear()
        request = Request(
            job_id=job_id,
            domains=wanted.domains,
            cid_count=ids.count,
            duplicates_dropped=ids.dropped,
            batch_size=wanted.batch_size,
            ttl_seconds=wanted.ttl_seconds,
            principal=principal,
            request_hash=request_hash(wanted, ids),
            submitted_at=now,
            aggregation=wanted.aggregation,
        )
        return Prepared(request, encode_command(job_id, submit_headers(request), ids.value, timestamp=now))

    async def _take(self, prepared: Prepared, *, keyed: bool) -> JobState:
        """Writes the command unless the key's job is known already."""
        view, request = self._services.view, prepared.request
        view.check_ready()
        if keyed and (known := view.state(request.job_id)) is not None:
            return _same(known, request)
        self._services.probe.check()
        with self._admitted(request.principal):
            place = await self._services.commands.append(request.job_id, prepared.command)
            prepared.command = b""
            if keyed:
                await self._read_back(request.job_id)
            else:
                view.put_own(request.job_id, place, dict(submit_headers(request)), None)
        state = view.state(request.job_id)
        if state is None:
            raise OutcomeUnknown("The job was written but can't be seen. Repeat the request.", retry_after=2)
        return _same(state, request) if keyed else state

    async def _read_back(self, job_id: str) -> None:
        try:
            await self._services.view.read_to_end(job_id)
        except BrokerError as error:
            raise OutcomeUnknown(
                "The request was written but could not be read back. Repeat it with the same Idempotency-Key.",
                retry_after=2,
            ) from error

    @contextmanager
    def _admitted(self, principal: str) -> Iterator[None]:
        """Holds a place within the limits until the view shows the job. Raises TooManyJobs."""
        settings, table = self._services.settings, self._services.view.table
        waiting = table.queued_by_principal[principal] + self._under_way[principal]
        if waiting >= settings.max_queued_per_client:
            raise TooManyJobs(
                f"{waiting:,} of your jobs are waiting to start, and no more are taken; try again when some have started.",
                retry_after=5,
            )
        alive = table.alive + self._under_way.total()
        if alive >= settings.max_live_jobs:
            raise TooManyJobs(
                f"There are {alive:,} jobs with a log, and no more are taken; delete some, or try again later.",
                retry_after=30,
            )
        self._under_way[principal] += 1
        try:
            yield
        finally:
            self._under_way[principal] -= 1
            if not self._under_way[principal]:
                del self._under_way[principal]


def request_hash(wanted: Wanted, ids: DistinctIds) -> str:
    """What two requests under one Idempotency-Key must share: everything that decides the answer, however it is spelled."""
    parts = (
        wanted.domains,
        wanted.aggregation,
        wanted.batch_size,
        wanted.ttl_seconds,
        ids.dropped,
        ids.digest,
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _same(known: JobState, request: Request) -> JobState:
    """The job that the key stands for. Raises KeyReused or JobExpired."""
    if known.request.request_hash != request.request_hash:
        raise KeyReused(
            "This Idempotency-Key was used for another request. Repeat that request, or take a new key for this one.",
            job_id=known.job_id,
        )
    if known.status is Status.EXPIRED:
        raise JobExpired(
            "The job of this Idempotency-Key has expired. To run the query again, send it with a new key.",
            job_id=known.job_id,
        )
    return known
