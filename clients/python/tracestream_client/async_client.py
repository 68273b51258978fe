"""The client for asyncio: :mod:`tracestream_client.client` with ``await``; what the words mean stands there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import Any, Generic, Self, TypeVar

import httpx

from tracestream_client import operations
from tracestream_client.backoff import Backoff, Retry
from tracestream_client.errors import TracestreamError
from tracestream_client.messages import (
    Columns,
    LineReader,
    Message,
    MessageReader,
    Reader,
    Record,
    RecordReader,
)
from tracestream_client.operations import Answer, Job, Operation
from tracestream_client.parsing import Exact
from tracestream_client.resume import Resume
from tracestream_client.transport import STREAM_HEADERS, Connection, OnResume, repeatable

T = TypeVar("T")


class AsyncClient:
    """A gateway at ``url``: a context manager, to be shared by threads if need be; a stream may not.

    ``headers`` go with every request. Times are in seconds. ``tries`` in a row may bring nothing, for ``patience`` at most (None:
    no bound of this kind), with random pauses below ``first_pause``, twice that, and so on up to ``longest_pause``; silence for
    ``stall_timeout`` is a broken connection. ``on_resume`` hears of each cut.
    ``http`` is an ``httpx.AsyncClient`` of the caller's own, for certificates, proxies and authentication; it is not closed. Raises
    NotTracestream for a ``url`` that is none.

    Every method raises the errors of :mod:`tracestream_client.errors`, and repeats what failed in a way that may pass.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        tries: int | None = 10,
        patience: float | None = 300.0,
        first_pause: float = 0.25,
        longest_pause: float = 30.0,
        stall_timeout: float = 30.0,
        on_resume: OnResume | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        retry = Retry(tries, patience, first_pause, longest_pause)
        self._connection = Connection(url.rstrip("/"), headers or {}, retry, stall_timeout, on_resume)
        self._owned = http is None
        # Most proxies hold a stream back, so those of the environment are not used.
        self._http = http or httpx.AsyncClient(trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections, open streams' too."""
        if self._owned:
            await self._http.aclose()

    async def submit(
        self,
        container_ids: Iterable[str],
        domains: Iterable[str],
        *,
        aggregation: str | None = None,
        batch_size: int | None = None,
        ttl_seconds: int | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Starts a job: ``{job_id, status, cid_count, duplicates_dropped}``.

        ``key`` (1 to 255 printable ASCII characters) names the job: the same key and request are the same job; without one a new
        key is made.
        """
        return await self._call(
            operations.submit(
                container_ids,
                domains,
                aggregation=aggregation,
                batch_size=batch_size,
                ttl_seconds=ttl_seconds,
                key=key,
            )
        )

    async def submit_and_wait(
        self,
        container_ids: Iterable[str],
        domains: Iterable[str],
        seconds: int,
        *,
        aggregation: str | None = None,
        batch_size: int | None = None,
        ttl_seconds: int | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """Starts a small job and waits for its answer, at most 60 seconds: ``{job, domains: {name: [records]}, aggregation}``.

        Not ended by then, or too large for one answer: what :meth:`submit` gives, and the job goes on. Raises JobFailed.
        """
        return await self._call(
            operations.submit(
                container_ids,
                domains,
                aggregation=aggregation,
                batch_size=batch_size,
                ttl_seconds=ttl_seconds,
                key=key,
                wait=seconds,
            )
        )

    def stream(
        self,
        job: Job,
        *,
        offset: int = 0,
        limit: int | None = None,
        exact: Exact = None,
        columns: Columns | None = None,
        pull_lines: int | None = None,
    ) -> AsyncStream[Message]:
        """The messages of the job's log from ``offset`` to the last one, or ``limit`` of them; a running job is followed.

        ``exact`` says what becomes of numbers (:mod:`tracestream_client.parsing`), ``columns`` is for a reading that begins
        behind the ``domain_start`` that has them. With ``pull_lines`` each request asks for so many messages at most: a firm bound
        on what is under way where something in between does not pass pressure back.
        """
        return self._stream(job, MessageReader(exact, columns), offset, limit, pull_lines)

    def records(
        self,
        job: Job,
        *,
        domain: str | None = None,
        offset: int = 0,
        exact: Exact = None,
        columns: Columns | None = None,
        pull_lines: int | None = None,
    ) -> AsyncStream[Record]:
        """The records of ``domain``, or of all domains one after the other; ``offset`` is a message's, the rest as of ``stream``.

        Behind the last record there is JobFailed or JobCancelled where the log did not end with ``complete``.
        """
        return self._stream(job, RecordReader(domain, exact, columns), offset, None, pull_lines)

    def lines(self, job: Job, *, offset: int = 0, limit: int | None = None) -> AsyncStream[bytes]:
        """The lines of the log as they stand, each with its line end, not parsed."""
        return self._stream(job, LineReader(), offset, limit)

    async def status(self, job: Job) -> dict[str, Any]:
        """The job's state: ``status``, ``progress``, ``expires_at`` and so on."""
        return await self._call(operations.status(job))

    async def list(
        self, *, limit: int = 20, after: str | None = None, status: str | None = None
    ) -> dict[str, Any]:
        """``{jobs: [states], next}``, newest first, at most 100; ``next`` is ``after`` for the next page, None at the end."""
        return await self._call(operations.listed(limit, after, status))

    async def page(
        self, job: Job, domain: str, *, offset: int = 0, limit: int = 5000, exact: Exact = None
    ) -> dict[str, Any]:
        """``{domain, offset, limit, total, status, data}``, with ``next``: the offset of the next page, None at the end;
        and ``retry_after``: seconds, where more is to come. ``offset`` counts the domain's records.
        """
        return await self._call(operations.page(job, domain, offset, limit, exact))

    async def cancel(self, job: Job) -> dict[str, Any]:
        """Stops the job; what was written stays readable. Its state."""
        return await self._call(operations.cancel(job))

    async def remove(self, job: Job) -> None:
        """Stops the job if need be, and removes its log."""
        await self._call(operations.remove(job))

    async def set_ttl(self, job: Job, seconds: int) -> dict[str, Any]:
        """Keeps the log for so long behind the job's end. Its state."""
        return await self._call(operations.set_ttl(job, seconds))

    async def domains(self) -> dict[str, Any]:
        """What can be asked for: ``{domains, aggregations, limits, example_ids}``."""
        return await self._call(operations.domains())

    async def ready(self) -> None:
        """Returns when the gateway can do all it is for."""
        await self._call(operations.ready())

    def _stream(
        self,
        job: Job,
        reader: Reader[T],
        offset: int,
        limit: int | None = None,
        pull_lines: int | None = None,
    ) -> AsyncStream[T]:
        resume = Resume(reader, self._connection.retry, offset=offset, limit=limit, pull_lines=pull_lines)
        return AsyncStream(self._http, self._connection, f"{operations.path(job)}/stream", resume)

    async def _call(self, operation: Operation[T]) -> T:
        backoff = Backoff(self._connection.retry)
        while True:
            try:
                return await self._once(operation)
            except TracestreamError as error:
                wait = self._connection.wait_after(error, backoff)
            await asyncio.sleep(wait)

    async def _once(self, operation: Operation[T]) -> T:
        connection = self._connection
        try:
            response = await self._http.request(
                operation.method,
                connection.url + operation.path,
                params=operation.params,
                headers={**connection.headers, **operation.headers},
                content=operation.body,
                timeout=connection.timeout(operation.wait),
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection.failed(error) from error
        return operation.result(Answer(response.status_code, response.headers, response.content))


class AsyncStream(Generic[T]):
    """One reading of a log: an iterator that resumes by itself, made by :class:`AsyncClient`.

    Use it in ``async with`` where the loop may be left early, or :meth:`aclose` it. It reads only when it is asked for the next
    item: who stops taking stops the server.
    """

    def __init__(self, http: httpx.AsyncClient, connection: Connection, path: str, resume: Resume[T]) -> None:
        self._http = http
        self._connection = connection
        self._path = path
        self._resume = resume
        self._items: AsyncGenerator[T] | None = None
        self._closed = False

    @property
    def offset(self) -> int:
        """Where another reading has to begin to go on: one behind the last message that was taken whole."""
        return self._resume.offset

    @property
    def terminal(self) -> str | None:
        """``complete``, ``error`` or ``cancelled`` once that message was taken, else None."""
        return self._resume.terminal

    @property
    def resumed(self) -> int:
        """How often the stream was asked for again after a cut."""
        return self._resume.resumed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the reading and closes its connection. May be repeated."""
        self._closed = True
        if self._items is not None:
            await self._items.aclose()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._items is None and not self._closed:
            self._items = self._read()
        if self._items is None:
            raise StopAsyncIteration
        try:
            return await anext(self._items)
        except StopAsyncIteration:
            raise
        except BaseException:
            # An interrupted read has not come to the end: the next one goes on behind what was taken.
            self._items = None
            raise

    async def _read(self) -> AsyncGenerator[T]:
        resume, connection = self._resume, self._connection
        while not resume.over:
            reason: TracestreamError | None = None
            try:
                async with self._http.stream(
                    "GET",
                    connection.url + self._path,
                    params=resume.ask(),
                    headers={**connection.headers, **STREAM_HEADERS},
                    timeout=connection.timeout(),
                ) as response:
                    body = await response.aread() if response.status_code != httpx.codes.OK else b""
                    resume.answered(Answer(response.status_code, response.headers, body))
                    async for piece in response.aiter_bytes():
                        for item in resume.feed(piece):
                            yield item
                        if resume.over:
                            break
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                reason = connection.failed(error)
            except TracestreamError as error:
                if not repeatable(error):
                    raise
                reason = error
            await self._pause(reason)
        if failure := resume.failure():
            raise failure

    async def _pause(self, reason: TracestreamError | None) -> None:
        if not self._resume.over and (resuming := self._resume.ended(reason, time.monotonic())):
            if self._connection.on_resume is not None:
                self._connection.on_resume(resuming)
            await asyncio.sleep(resuming.wait)
