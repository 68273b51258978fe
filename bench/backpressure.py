"""``python -m bench.backpressure`` (``make backpressure``): how far a slow consumer is felt.

A job of 70 MB goes through the whole chain (gateway, socket, client, parser) into a sink that waits 0, 100, 1,000 or 10,000 ms
after each message. Watched meanwhile: what the gateway's socket accepted, what the sink took, the window that the client's kernel
offers, and the memory of the client and of the gateway. Beside the client's own chains runs the naive one: a decoder, a buffer that
grows, a list of messages. Writes ``docs/backpressure.md`` and its drawing.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.backpressure_page import write
from bench.pourers import Pouring, has_chromium, pouring_in_chromium, pouring_in_node
from bench.sockets import captured, connections
from bench.watched import Sample, Watched
from broker.admin import Admin
from broker.embedded import EmbeddedKafka
from broker.settings import BrokerSettings
from tests.clients.gateway import GatewayProcess, running_process
from tests.clients.node import nodes
from tests.joblogs import JobLog

WAITS = (0, 100, 1000, 10_000)
CHAINS = ("stream", "pull", "naive")
WATCHED = 10.0
"""Seconds of a run, unless it is over sooner."""

MESSAGES = 40
PER_MESSAGE = 500
PADDING = 3450
_PAUSE = 0.1


@dataclass(frozen=True, slots=True)
class Job:
    """The log that is read: ``size`` bytes in ``records`` records."""

    job_id: str
    size: int
    records: int


async def run() -> None:
    """Every engine, chain and wait, one after the other."""
    with tempfile.TemporaryDirectory(prefix="tracestream-backpressure-") as name:
        folder = Path(name)
        async with EmbeddedKafka(folder / "kafka") as kafka:
            settings = BrokerSettings(bootstrap=kafka.bootstrap, partitions=1)
            async with Admin(settings) as admin, running_process(settings, folder) as gateway:
                job = await _write(settings, admin)
                print(f"a job of {job.size / 1e6:.0f} MB in {MESSAGES} messages", flush=True)
                found = [
                    await _watch(gateway, job, engine, chain, wait)
                    for engine in (*nodes(), *(["chromium"] if has_chromium() else []))
                    for chain in CHAINS
                    for wait in WAITS
                ]
    write(found, size=job.size, messages=MESSAGES, seconds=WATCHED)


async def _write(settings: BrokerSettings, admin: Admin) -> Job:
    log = await JobLog.create(settings, admin)
    await log.whole(MESSAGES, PER_MESSAGE, padding=PADDING)
    await log.close()
    return Job(log.job_id, sum(map(len, log.lines)), MESSAGES * PER_MESSAGE)


async def _watch(gateway: GatewayProcess, job: Job, engine: str, chain: str, wait: int) -> Watched:
    run = {"chain": chain, "url": gateway.url, "job": job.job_id, "wait": wait}
    watched = Watched(engine, chain, wait)
    server = psutil.Process(gateway.pid)
    async with captured(gateway.port) as packets, _pouring(engine, run) as pouring:
        begun = time.monotonic()
        accepted: dict[str, int] = {}
        while not pouring.over and time.monotonic() - begun < WATCHED:
            open_ones = await connections(gateway.port)
            accepted |= {each.peer: each.accepted for each in open_ones}
            busiest = max(open_ones, key=lambda each: each.accepted, default=None)
            memory = pouring.memory()
            if not memory:
                break
            watched.samples.append(
                Sample(
                    at=time.monotonic() - begun,
                    accepted=sum(accepted.values()),
                    taken=pouring.taken * job.size // job.records,
                    window=busiest.window if busiest else 1,
                    client=memory,
                    gateway=server.memory_info().rss,
                )
            )
            await asyncio.sleep(_PAUSE)
        watched.whole = pouring.taken == job.records
    watched.zero_windows = packets.zero_windows
    print(
        f"{engine} {chain} {wait} ms: {watched.under_way / 1e6:.1f} MB under way, window shut {watched.shut:.0%}",
        flush=True,
    )
    return watched


def _pouring(engine: str, run: dict[str, object]) -> AbstractAsyncContextManager[Pouring]:
    return pouring_in_chromium(run) if engine == "chromium" else pouring_in_node(nodes()[engine], run)


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m bench.backpressure", description=(__doc__ or "").partition("\n\n")[2]
    ).parse_args()
    asyncio.run(run())


if __name__ == "__main__":
    main()
