"""A processor as a process: the faust app, what its folds need, and its end (design: "What faust does and does not").

There is no table, and so no changelog: what a fold has found is found again from the log, and which jobs are unfinished stands in
``trace.jobs``. faust keeps the group and its partitions; it runs in our event loop, without its web server, its worker with
signal handlers and logging of its own, or a folder for data.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

import faust
from faust.auth import SASLCredentials, SSLCredentials

from broker.admin import Admin
from broker.errors import Retriable
from broker.fetch import LogReader
from broker.settings import BrokerSettings
from catalogue.domain import Domain
from processors.agents import attach
from processors.fold import FoldServices
from processors.folds import Folds
from processors.publish import ResultPublisher
from processors.registry import Registry, check_catalogue, load_aggregations
from processors.settings import ProcessorSettings
from schemas.topics import MAX_MESSAGE_BYTES, Names, shared_topics

log = logging.getLogger(__name__)

_HEARTBEATS = 4
"""Heartbeats within a session time-out."""


class ProcessorApp(faust.App):
    """faust without folders: there are no tables whose data would lie there. Its starts and stops are no news."""

    mundane_level = "debug"

    def _create_directories(self) -> None:
        pass


def create_app(broker: BrokerSettings, settings: ProcessorSettings) -> faust.App:
    """The faust app, with nothing attached. To be called in the event loop that it is to run in."""
    names = Names(broker.prefix)
    return ProcessorApp(
        names.processors,
        loop=asyncio.get_running_loop(),
        env={},
        autodiscover=False,
        broker=[f"kafka://{server}" for server in broker.bootstrap.split(",")],
        broker_credentials=_credentials(broker),
        broker_client_id=f"tracestream-processor-{socket.gethostname()}-{os.getpid()}",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / _HEARTBEATS,
        broker_rebalance_timeout=settings.rebalance_timeout,
        broker_request_timeout=max(90.0, settings.session_timeout + 5),
        consumer_max_fetch_size=MAX_MESSAGE_BYTES,
        consumer_auto_offset_reset="earliest",
        processing_guarantee="at_least_once",
        stream_wait_empty=False,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=broker.partitions,
        topic_replication_factor=broker.replication,
        web_enabled=False,
        worker_redirect_stdouts=False,
    )


def _credentials(broker: BrokerSettings) -> Any:
    tls = broker.security_protocol in ("SSL", "SASL_SSL")
    context = ssl.create_default_context(cafile=broker.ca_file) if tls else None
    if broker.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=broker.sasl_username,
            password=broker.sasl_password,
            ssl_context=context,
            mechanism=broker.sasl_mechanism,
        )
    return SSLCredentials(context=context) if context is not None else None


async def run(
    broker: BrokerSettings,
    settings: ProcessorSettings,
    catalogue: Mapping[str, Domain],
    on_ready: Callable[[], None] = lambda: None,
    *,
    registry: Registry | None = None,
) -> None:
    """Runs a processor until SIGTERM or SIGINT, then leaves its group within ``drain_seconds``.

    ``on_ready`` is called once it has joined. ``registry`` stands in for the aggregations of the package. Raises ValueError when
    they do not fit the catalogue, and what made faust crash.
    """
    registry = load_aggregations() if registry is None else registry
    check_catalogue(registry, catalogue)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(_serve(broker, settings, registry, on_ready))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    log.info("processor stopped")


async def _serve(
    broker: BrokerSettings, settings: ProcessorSettings, registry: Registry, on_ready: Callable[[], None]
) -> None:
    """Works until cancelled. Raises what made faust crash."""
    await _prepare_topics(broker)
    async with _running_folds(broker, settings, registry) as folds:
        app = create_app(broker, settings)
        attach(app, Names(broker.prefix).jobs, folds)
        try:
            await app.start()
            log.info("processor ready")
            on_ready()
            await app.wait_until_stopped()
        finally:
            await folds.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.drain_seconds):
                    await app.stop()
        if app.crash_reason is not None:
            raise app.crash_reason


@asynccontextmanager
async def _running_folds(
    broker: BrokerSettings, settings: ProcessorSettings, registry: Registry
) -> AsyncIterator[Folds]:
    """The folds with what they share, started, and stopped at the end."""
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(settings.jobs, thread_name_prefix="fold")
    reader = LogReader(broker, client_id="tracestream-processor")
    publisher = ResultPublisher(broker, settings.broker_deadline)
    services = FoldServices(
        reader=reader,
        names=Names(broker.prefix),
        registry=registry,
        poll_seconds=settings.poll_seconds,
        in_thread=lambda work, *arguments: loop.run_in_executor(threads, work, *arguments),
        publish=publisher.publish,
    )
    await reader.start()
    folds = Folds(services, settings.jobs, settings.broker_deadline)
    try:
        yield folds
    finally:
        await folds.stop()
        await publisher.stop()
        await reader.stop()
        threads.shutdown(wait=False, cancel_futures=True)


async def _prepare_topics(broker: BrokerSettings) -> None:
    """The shared topics; says once a try that Kafka can't be reached, and tries again."""
    specs = shared_topics(
        Names(broker.prefix),
        broker.partitions,
        broker.replication,
        broker.min_insync,
        broker.command_retention,
    )
    pause = 1.0
    while True:
        try:
            async with Admin(broker) as admin:
                await admin.create_topics(specs)
            return
        except Retriable as error:
            log.warning("can't start yet: %s; trying again in %.0f s", error, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 4.0)
