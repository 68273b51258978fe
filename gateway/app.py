"""The gateway as an ASGI application (design: "HTTP (gateway)").

Whatever needs Kafka is started in the background and tried again for ever: the application answers from its first moment on, and
/readyz says when it can do all it is for. From the outside in: counting, hosts and headers, CORS, problems, routes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from broker.fetch import LogReader
from broker.settings import BrokerSettings
from catalogue.loader import Catalogue
from gateway import health, jobs, pages, stream
from gateway.bodies import json_response
from gateway.commandlog import CommandLog
from gateway.documents import Documents
from gateway.examples import count_ids, example_ids
from gateway.fetches import Fetches
from gateway.guard import Guard
from gateway.jobview import JobView
from gateway.openapi import openapi
from gateway.operations import OPERATIONS
from gateway.page import PATHS, Page
from gateway.parameters import HEADERS
from gateway.probe import Probe
from gateway.problems import Problems, on_http_exception
from gateway.reading import Reading
from gateway.services import Services
from gateway.settings import GatewaySettings
from gateway.submit import Submits
from gateway.telemetry import Counts, Telemetry
from schemas.answers import AggregationEntry, DomainEntry, Offering
from schemas.requests import Offer
from schemas.results import AggregationSpec
from schemas.topics import Names

log = logging.getLogger(__name__)

Handler = Callable[[Request, Services], Awaitable[Response]]

_STOP_SECONDS = 2.0
_CORS_HEADERS = ("Content-Type", "Idempotency-Key", "Prefer", "Last-Event-ID", "If-None-Match")


def create_app(
    broker: BrokerSettings,
    settings: GatewaySettings,
    catalogue: Catalogue,
    aggregations: Mapping[str, AggregationSpec],
    batch_size: int,
) -> Starlette:
    """The application. ``batch_size`` is the workers' setting, the largest that a request may ask for."""
    offer = Offer(
        domains={domain.name: domain.description for domain in catalogue.values()},
        aggregations=aggregations,
        batch_size=batch_size,
        default_ttl=settings.default_ttl,
        min_ttl=settings.min_ttl,
        max_ttl=settings.max_ttl,
    )
    reader = LogReader(
        broker,
        connections=settings.replay_connections,
        client_id="tracestream-gateway-read",
        timeout=settings.broker_deadline,
    )
    probe = Probe(reader, Names(broker.prefix).jobs)
    view = JobView(broker, settings.broker_deadline, probe.check)
    services = Services(
        broker=broker,
        settings=settings,
        offer=offer,
        view=view,
        commands=CommandLog(broker, settings.broker_deadline),
        reading=Reading(Fetches(reader, settings.cache_bytes), view, settings),
        probe=probe,
    )
    counts = Counts()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with _background(view.run(), probe.run()):
            yield
        await services.commands.close()
        await reader.stop()

    app = Starlette(
        routes=_routes(services),
        middleware=_middleware(settings, counts),
        exception_handlers={HTTPException: on_http_exception},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.counts, app.state.services = counts, services
    return app


@asynccontextmanager
async def _background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs the work meanwhile; at the end it is cancelled and waited for, not for long."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        if late:
            log.warning("%d background tasks did not stop in time", len(late))


def _middleware(settings: GatewaySettings, counts: Counts) -> list[Middleware]:
    hosts = {*settings.allowed_hosts, settings.host}
    chain = [
        Middleware(Telemetry, counts=counts, access_log=settings.access_log),
        Middleware(Guard, hosts=hosts),
    ]
    if settings.cors_origins:
        chain.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=("GET", "HEAD", "POST", "PATCH", "DELETE"),
                allow_headers=_CORS_HEADERS,
                expose_headers=tuple(HEADERS),
            )
        )
    return [*chain, Middleware(Problems)]


def _routes(services: Services) -> list[Route]:
    """One route a path; which methods it answers stands in the operations."""
    page = Page()
    handlers = _handlers(services, page)
    by_path: defaultdict[str, dict[str, Handler]] = defaultdict(dict)
    for operation in OPERATIONS:
        by_path[operation.path][operation.method] = handlers[operation.name]
    for path in PATHS:
        by_path[path]["GET"] = page.place
    by_path["/assets/{name}"]["GET"] = page.asset
    return [Route(path, _Path(path, methods, services)) for path, methods in by_path.items()]


def _handlers(services: Services, page: Page) -> dict[str, Handler]:
    document = openapi(services.offer, services.settings.max_cids, version("tracestream"))
    documents = Documents(document, page.document)
    submits = Submits(services)
    return {
        "submitJob": lambda request, _: submits.submit(request),
        "listJobs": jobs.list_jobs,
        "showJob": jobs.show_job,
        "changeLife": jobs.change_ttl,
        "deleteJob": jobs.delete_job,
        "cancelJob": jobs.cancel_job,
        "streamJob": lambda request, _: stream.stream(request, services.reading),
        "readPage": lambda request, _: pages.page(request, services.reading),
        "listDomains": _domains,
        "readExampleIds": example_ids,
        "checkLife": health.healthz,
        "checkReady": health.readyz,
        "readMetrics": health.metrics,
        "readOpenapi": documents.openapi,
        "readDocs": documents.docs,
        "readHome": documents.home,
    }


class _Path:
    """The endpoint of one path: picks the handler by method, HEAD as GET, and names the methods where there is none."""

    def __init__(self, template: str, handlers: Mapping[str, Handler], services: Services) -> None:
        self._template = template
        self._handlers = dict(handlers)
        if "GET" in handlers:
            self._handlers["HEAD"] = handlers["GET"]
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = self._template
        handler = self._handlers.get(scope["method"])
        if handler is None:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._handlers))})
        response = await handler(Request(scope, receive, send), self._services)
        await response(scope, receive, send)


async def _domains(_request: Request, services: Services) -> Response:
    """``GET /api/trace/domains``."""
    offer, settings = services.offer, services.settings
    limits = {
        "container_ids": settings.max_cids,
        "container_ids_without_aggregation": settings.max_cids_without_aggregation,
        "batch_size": offer.batch_size,
        "ttl_seconds_min": offer.min_ttl,
        "ttl_seconds_max": offer.max_ttl,
        "page_limit": settings.page_limit,
        "body_bytes": settings.max_body,
    }
    return json_response(
        Offering(
            [DomainEntry(name, text) for name, text in offer.domains.items()],
            [
                AggregationEntry(each.name, each.description, list(each.needs))
                for each in offer.aggregations.values()
            ],
            limits,
            await asyncio.to_thread(count_ids, settings.example_ids),
        )
    )
