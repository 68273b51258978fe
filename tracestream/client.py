"""The gateway's HTTP as the commands use it (design: "HTTP (gateway)").

Rules: every answer that is not the wanted one becomes one of the errors below, with the problem's own sentence. Requests that are
safe to repeat are repeated with :class:`tracestream.backoff.Backoff`; a submit always carries an Idempotency-Key, so that it is
one of them. Proxies of the environment are not used.

    CommandError
    ├── Unreachable    nobody answers, or too late                  exit 3
    ├── Refused        a problem document that repeating won't cure  exit 4
    └── Busy           429 or 5xx: repeating may cure it             exit 3
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tracestream.backoff import Backoff
from tracestream.exits import CommandError, Exit

JOBS = "/api/trace/jobs"
JOB = "/api/trace/job/"
NDJSON = "application/x-ndjson"

_STREAM_HEADERS = {"Accept": NDJSON, "Accept-Encoding": "identity"}
"""Lines are wanted as they stand; httpx takes no series of zstd frames or gzip members."""

TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)
"""Seconds. A stream's keep-alives come more often than its read time-out."""


class Unreachable(CommandError):
    """Nobody answers at the address."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.UNREACHABLE)


class Busy(Unreachable):
    """The gateway can't answer now; ``retry_after`` in seconds where it says when."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(CommandError):
    """The gateway said no: ``status`` and the problem document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(_sentence(status, problem), Exit.REFUSED)
        self.status = status
        self.problem = problem


class Client:
    """One gateway at ``url``. An async context manager; ``patience`` in seconds bounds repeating."""

    def __init__(self, url: str, *, patience: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self.patience = patience
        self.http = httpx.AsyncClient(base_url=self.url, timeout=TIMEOUT, trust_env=False)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def ready(self) -> None:
        """Returns when the gateway can do all it is for."""
        await self._json("GET", "/readyz")

    async def submit(self, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The answer to the submit: ``{job_id, status, cid_count, duplicates_dropped}``."""
        return await self._json("POST", JOBS, json=body, headers={"Idempotency-Key": key})

    async def state(self, job_id: str) -> dict[str, Any]:
        return await self._json("GET", JOB + job_id)

    async def jobs(self, limit: int, status: str | None = None) -> list[dict[str, Any]]:
        """The newest jobs."""
        params = {"limit": str(limit)} | ({"status": status} if status else {})
        answer = await self._json("GET", JOBS, params=params)
        return list(answer["jobs"])

    async def cancel(self, job_id: str) -> dict[str, Any]:
        return await self._json("POST", f"{JOB}{job_id}/cancel")

    async def delete(self, job_id: str) -> None:
        await self._json("DELETE", JOB + job_id)

    async def page(self, job_id: str, domain: str, offset: int, limit: int) -> dict[str, Any]:
        params = {"domain": domain, "offset": str(offset), "limit": str(limit)}
        return await self._json("GET", f"{JOB}{job_id}/result", params=params)

    @asynccontextmanager
    async def stream(
        self, job_id: str, offset: int, limit: int | None = None
    ) -> AsyncIterator[httpx.Response]:
        """The open stream from ``offset``; status 200 or 204. Raises the errors of this page, once, without repeating."""
        params = {"offset": str(offset)} | ({"limit": str(limit)} if limit is not None else {})
        with _Translated(self.url):
            async with self.http.stream(
                "GET", f"{JOB}{job_id}/stream", params=params, headers=_STREAM_HEADERS
            ) as response:
                if response.status_code >= 300:
                    await response.aread()
                    raise _error(response)
                yield response

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        backoff = Backoff(random.uniform, patience=self.patience)
        while True:
            try:
                return await self._once(method, path, **options)
            except Unreachable as error:
                wait = backoff.next_wait(time.monotonic(), getattr(error, "retry_after", None))
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with _Translated(self.url):
            response = await self.http.request(method, path, **options)
        if response.status_code >= 300:
            raise _error(response)
        if response.status_code == httpx.codes.NO_CONTENT:
            return {}
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise CommandError(f"{self.url} does not answer like a Tracestream gateway.", Exit.UNREACHABLE)
        return answer


class _Translated:
    """Turns httpx's errors into :class:`Unreachable`."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            raise CommandError(f"{self._url} is not a URL that can be used: {error}", Exit.USAGE) from None
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            raise Unreachable(f"Nobody answers at {self._url} ({error or type(error).__name__}).") from None
        if isinstance(error, httpx.HTTPError):
            raise Unreachable(
                f"The connection to {self._url} broke ({error or type(error).__name__})."
            ) from None


def _error(response: httpx.Response) -> CommandError:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    status = response.status_code
    if status == 429 or status >= 500:
        return Busy(_sentence(status, problem), retry_after(response.headers.get("Retry-After")))
    return Refused(status, problem)


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header; dates and nonsense are taken as none."""
    return float(value) if value and value.strip().isdecimal() else None


def _sentence(status: int, problem: Mapping[str, Any]) -> str:
    title = problem.get("title", f"The gateway answered {status}")
    detail = problem.get("detail", "")
    return f"{title}: {detail}" if detail else f"{title}."
