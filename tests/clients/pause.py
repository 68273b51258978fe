"""A reader that takes a few messages of a large job, holds still until nothing moves any more, and then takes the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import psutil

from bench.sockets import Connection, connections
from broker.admin import Admin
from broker.settings import BrokerSettings
from tests.clients.cases import Call
from tests.clients.drivers import Driver, Outcome
from tests.clients.gateway import GatewayProcess
from tests.clients.logs import CaseLog

JOB = {"batches": 40, "per_batch": 500, "padding": 3450}
LINE = 1_800_000
"""Bytes of a line, a bit more than they have."""

HELD_AT = 5
STILL = 3.0
"""Seconds without a byte that count as standing still."""

DEADLINE = 240.0


@dataclass(slots=True)
class Paused:
    """``under_way`` bytes were accepted by the gateway's sockets and not taken by the consumer; ``grown`` is how much memory the
    gateway took while the reader held still."""

    under_way: int = 0
    grown: int = 0
    messages: int = 0


async def pause(driver: Driver, gateway: GatewayProcess, settings: BrokerSettings, admin: Admin) -> Paused:
    """What was seen. Raises AssertionError when the reader does not get the whole log afterwards."""
    log = await CaseLog.write(settings, admin, JOB)
    await log.close()
    paused, outcome = Paused(), Outcome()
    server = psutil.Process(gateway.pid)
    async with httpx.AsyncClient(base_url=gateway.url, trust_env=False) as client:
        await sent(client)
        earlier = await connections(gateway.port)

        async def each(count: int) -> bool:
            if count == HELD_AT:
                before = server.memory_info().rss
                await _stopped(client)
                paused.under_way = await _accepted(gateway.port, earlier) - sum(map(len, log.lines[:HELD_AT]))
                paused.grown = server.memory_info().rss - before
            return True

        async with asyncio.timeout(DEADLINE):
            await driver(gateway.url, Call("stream", {"job": log.job_id}), each, outcome)
    assert outcome.error is None, outcome.error
    assert paused.under_way > 0
    assert [message["type"] for message in outcome.items[-2:]] == ["domain_end", "complete"]
    batches = [message["batch"] for message in outcome.items if message["type"] == "records"]
    assert batches == list(range(1, JOB["batches"] + 1))
    paused.messages = len(outcome.items)
    print(paused)
    return paused


async def sent(client: httpx.AsyncClient) -> int:
    """Bytes of bodies that the gateway has sent since its start: whole lines, of which its socket may not have taken all."""
    text = (await client.get("/metrics")).text
    (line,) = [each for each in text.splitlines() if each.startswith("tracestream_http_sent_bytes_total ")]
    return int(float(line.split()[1]))


async def _accepted(port: int, earlier: Sequence[Connection]) -> int:
    """Bytes that the gateway's sockets have taken since ``earlier``, for the connections that are open now (``ss``: Linux)."""
    before = {each.peer: each.accepted for each in earlier}
    return sum(each.accepted - before.get(each.peer, 0) for each in await connections(port))


async def _stopped(client: httpx.AsyncClient) -> None:
    """Returns when nothing was sent for a while; answers of /metrics itself are small."""
    last, since = await sent(client), time.monotonic()
    while time.monotonic() - since < STILL:
        await asyncio.sleep(0.3)
        now = await sent(client)
        if now - last > 100_000:
            since = time.monotonic()
        last = now
