"""A reader that takes a few messages of a large job, holds still until nothing moves any more, and then takes the rest."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import psutil
import pytest

from bench.sockets import connections
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
_READERS = 3


@dataclass(slots=True)
class Paused:
    """``under_way`` bytes were accepted by the gateway's sockets and not taken by the consumer, ``queued`` of them are still
    there; ``grown`` is how much memory the gateway took while the reader held still."""

    under_way: int = 0
    queued: int = 0
    grown: int = 0
    messages: int = 0


async def pause(driver: Driver, gateway: GatewayProcess, settings: BrokerSettings, admin: Admin) -> Paused:
    """What was seen. Raises AssertionError when the reader does not get the whole log afterwards."""
    if shutil.which("ss") is None:
        pytest.skip("ss (iproute2) is not installed: nothing says what a socket has accepted")
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
                now = await connections(gateway.port)
                before_it = {each.peer: each.accepted for each in earlier}
                accepted = sum(each.accepted - before_it.get(each.peer, 0) for each in now)
                paused.under_way = accepted - sum(map(len, log.lines[:HELD_AT]))
                paused.queued = sum(each.queued for each in now)
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


async def least(pausing: Callable[[], Awaitable[Paused]], bound: int) -> Paused:
    """The first of at most three readers with less than ``bound`` bytes under way, or the last one.

    The buffer of the client's kernel may leap in a single run, and nothing of the gateway keeps it from that (decision 0015).
    """
    for _ in range(_READERS - 1):
        if (seen := await pausing()).under_way < bound:
            return seen
    return await pausing()


async def sent(client: httpx.AsyncClient) -> int:
    """Bytes of bodies that the gateway has sent since its start: whole lines, of which its socket may not have taken all."""
    text = (await client.get("/metrics")).text
    (line,) = [each for each in text.splitlines() if each.startswith("tracestream_http_sent_bytes_total ")]
    return int(float(line.split()[1]))


async def _stopped(client: httpx.AsyncClient) -> None:
    """Returns when nothing was sent for a while; answers of /metrics itself are small."""
    last, since = await sent(client), time.monotonic()
    while time.monotonic() - since < STILL:
        await asyncio.sleep(0.3)
        now = await sent(client)
        if now - last > 100_000:
            since = time.monotonic()
        last = now
