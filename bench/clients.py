"""What the Python client costs its own process, beside bare httpx, on the replay of a finished job through the gateway.

- ``httpx``: ``iter_bytes`` to nowhere, which no client on httpx can be better than
- ``lines``: the client's lines, not parsed; ``messages``: parsed; ``decimals``: with ``exact=Decimal``
- ``messages, json``: parsed by the standard library, as where msgspec is not installed
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from functools import partial

from bench.figures import Figure, ratio
from bench.reader import ASYNC, SYNC
from bench.rounds import interleaved
from bench.services import Service
from schemas.jobs import JobState

GROUP = "client"


async def measure(
    service: Service, state: JobState, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """The figures for the log of ``state``."""
    size = (await reading("httpx", service.url, state.job_id, 0))["size"]
    measures = {how: partial(reading, how, service.url, state.job_id, size) for how in (*SYNC, *ASYNC)}
    found = await interleaved(measures, rounds, tell)
    cost = {how: found[f"{how}.CPU s/GB"] for how in measures}
    pairs = [
        *((how, "httpx") for how in SYNC if how != "httpx"),
        *((how, "async httpx") for how in ASYNC if how != "async httpx"),
        ("messages", "messages, json"),
    ]
    return [
        *(Figure(GROUP, f"Python, {how}", "MB/s", tuple(found[f"{how}.MB/s"])) for how in measures),
        *(Figure(GROUP, f"CPU of Python, {how}", "s/GB", tuple(values)) for how, values in cost.items()),
        *(Figure(GROUP, f"peak of Python, {how}", "MB", tuple(found[f"{how}.MB"])) for how in measures),
        *(ratio(GROUP, f"CPU of {one} / {other}", cost[one], cost[other]) for one, other in pairs),
    ]


async def reading(how: str, url: str, job_id: str, size: float) -> dict[str, float]:
    """One reading in a process of its own; ``size`` is the stream's where the way does not count it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.reader", how, url, job_id), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"reading by {how} ended with {process.returncode}")
    taken: dict[str, float] = json.loads(output)
    size = taken["size"] or size
    return {
        "MB/s": size / 1e6 / taken["seconds"],
        "CPU s/GB": taken["cpu"] / size * 1e9 if size else 0.0,
        "MB": taken["peak"] / 1e6,
        "size": size,
    }
