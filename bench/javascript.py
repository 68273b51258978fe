"""Parsed throughput of the JavaScript client on the replay of a finished job through the gateway, in Node.js and Chromium.

- ``seed``: the way of the page that came before: ``getReader``, ``buffer +=``, ``split``, ``JSON.parse``
- ``texts``, ``bytes``: the fastest loops that somebody would write by hand, with the line put together as text or as bytes; the
  one that is faster on the whole counts
- ``pieces``: ``texts`` with what the client does besides: each chunk is decoded in pieces of 64 KiB
- ``client``; ``worker``, ``pull`` and ``exact``: the same with that option

Each reading is a process or a tab of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from playwright.async_api import Browser

from bench.figures import Figure, ratio
from bench.rounds import interleaved
from bench.services import Service
from schemas.jobs import JobState
from tests.browsers import find_chromium, running_chromium
from tests.clients.browser.driver import PLACE, client_page
from tests.clients.node import PACKAGE, nodes

GROUP = "javascript"
WAYS = ("seed", "texts", "bytes", "pieces", "client", "worker", "pull", "exact")
AT_LEAST = 1.0
"""The client by the fastest hand-written loop, in Chromium."""

AT_LEAST_SEED = 2.5
"""The client by the seed's way, in Node.js."""

_IN_PAGE = "async ([module, ...given]) => (await import(module)).measure(...given)"
Reading = Callable[[str], Any]


async def measure(
    service: Service, state: JobState, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """The figures for the log of ``state``."""
    figures: list[Figure] = []
    size = sum(each.bytes for each in state.progress)
    for name, path in nodes().items():
        figures += await _engine(name, partial(_in_node, path, service.url, state.job_id), size, rounds, tell)
    if find_chromium() is None:
        tell("Chromium is not installed and was left out")
        return figures
    async with running_chromium() as browser:
        read = partial(_in_page, browser, service.url, state.job_id)
        figures += await _engine("chromium", read, size, rounds, tell)
    return figures


async def _engine(
    engine: str, read: Reading, size: int, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    async def rate(way: str) -> Mapping[str, float]:
        taken = await read(way)
        return {"MB/s": size / 1e6 / taken["seconds"]}

    tell(engine)
    found = await interleaved({way: partial(rate, way) for way in WAYS}, rounds, tell)
    rates = {way: found[f"{way}.MB/s"] for way in WAYS}
    by_hand = max((rates["texts"], rates["bytes"]), key=median)
    browser = engine == "chromium"
    return [
        *(Figure(GROUP, f"{engine}, {way}", "MB/s", tuple(values)) for way, values in rates.items()),
        ratio(
            GROUP,
            f"{engine}, client / hand-written",
            rates["client"],
            by_hand,
            at_least=AT_LEAST if browser else None,
        ),
        ratio(GROUP, f"{engine}, client / hand-written in pieces", rates["client"], rates["pieces"]),
        ratio(
            GROUP,
            f"{engine}, client / seed's way",
            rates["client"],
            rates["seed"],
            at_least=None if browser else AT_LEAST_SEED,
        ),
    ]


async def _in_node(node: Path, url: str, job_id: str, way: str) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        node, PACKAGE / "bench" / "main.js", way, url, job_id, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"reading by {way} ended with {process.returncode}")
    taken: dict[str, float] = json.loads(output)
    return taken


async def _in_page(browser: Browser, url: str, job_id: str, way: str) -> dict[str, float]:
    async with client_page(browser, url) as page:
        taken: dict[str, float] = await page.evaluate(_IN_PAGE, [f"{PLACE}bench/ways.js", way, url, job_id])
        return taken
