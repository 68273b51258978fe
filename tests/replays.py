"""The routes that read logs, served by uvicorn in this process, with a view of the jobs made of a follower."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from broker.fetch import LogReader, Record
from broker.settings import BrokerSettings
from gateway.fetches import Fetches
from gateway.pages import page
from gateway.reading import Reading
from gateway.server import HttpProtocol
from gateway.settings import GatewaySettings
from gateway.stream import stream
from joblog.follow import Follower
from schemas.jobs import JobState, decode_state
from schemas.problems import Problem, UnknownJob
from schemas.topics import Names


class FollowedView:
    """The newest state of every job, as :class:`gateway.reading.JobView` asks for it."""

    def __init__(self, settings: BrokerSettings) -> None:
        self._names = Names(settings.prefix)
        self._settings = settings
        self._states: dict[str, JobState] = {}
        self._changed = asyncio.Condition()
        self._follower = Follower(settings, self._deliver)

    async def start(self) -> None:
        await self._follower.start()
        for partition in range(self._settings.partitions):
            self._follower.add(self._names.jobs, partition, 0)

    async def stop(self) -> None:
        await self._follower.stop()

    async def find(self, job_id: str) -> JobState:
        for partition in range(self._settings.partitions):
            await self._follower.caught_up(self._names.jobs, partition, 30)
        if job_id not in self._states:
            raise UnknownJob(f"There is no job {job_id}.")
        return self._states[job_id]

    def state(self, job_id: str) -> JobState | None:
        return self._states.get(job_id)

    async def wait_change(self, job_id: str, after_version: int, timeout: float) -> JobState | None:
        def changed() -> bool:
            state = self._states.get(job_id)
            return state is None or state.version > after_version

        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(changed)
        return self._states.get(job_id)

    async def _deliver(
        self, topic: str, partition: int, records: list[Record], next_offset: int, high: int
    ) -> None:
        async with self._changed:
            for record in records:
                assert record.key is not None
                if record.value is None:
                    self._states.pop(record.key.decode(), None)
                else:
                    self._states[record.key.decode()] = decode_state(record.value)
            self._changed.notify_all()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    settings: BrokerSettings, gateway: GatewaySettings | None = None, *, server_offers_raw: bool = True
) -> AsyncIterator[tuple[str, Reading]]:
    """The base URL of a running server, and what its handlers share; the server is the gateway's, or any other of ASGI."""
    gateway = gateway or GatewaySettings()
    reader, view = LogReader(settings, timeout=60), FollowedView(settings)
    await reader.start()
    await view.start()
    reading = Reading(Fetches(reader, gateway.cache_bytes), view, gateway)
    app = Starlette(
        routes=[
            Route("/api/trace/job/{job_id}/stream", partial(stream, reading=reading)),
            Route("/api/trace/job/{job_id}/result", partial(page, reading=reading)),
        ],
        exception_handlers={Problem: _problem},
    )
    http = HttpProtocol if server_offers_raw else HttpToolsProtocol
    server = _Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off", http=http))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/api/trace/job", reading
    finally:
        server.should_exit = server.force_exit = True
        await task
        await view.stop()
        await reader.stop()


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return JSONResponse(error.document(), error.status, media_type="application/problem+json")
