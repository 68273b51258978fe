"""Clients that pour a job into a slow sink: Node.js as a process, Chromium as a tab."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser

from tests.browsers import find_chromium, running_chromium
from tests.clients.browser.driver import PLACE, client_page
from tests.clients.node import PACKAGE

Run = Mapping[str, Any]
_POUR = "async ([module, run]) => (await import(module)).pour(run, (taken) => window.taken(taken))"


@dataclass(slots=True)
class Pouring:
    """A run under way: how many records the sink has taken, and the memory of the client in bytes."""

    work: asyncio.Task[None]
    processes: psutil.Process
    whole_family: bool = False
    taken: int = 0

    @property
    def over(self) -> bool:
        return self.work.done()

    def memory(self) -> int:
        total = 0
        family = [self.processes, *(self.processes.children(recursive=True) if self.whole_family else ())]
        for process in family:
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total


@asynccontextmanager
async def pouring_in_node(node: Path, run: Run) -> AsyncIterator[Pouring]:
    """The run in a process, ended with the block."""
    process = await asyncio.create_subprocess_exec(
        node, PACKAGE / "bench" / "pour.js", json.dumps(run), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    stdout = process.stdout

    async def follow() -> None:
        async for line in stdout:
            pouring.taken = int(line)

    pouring = Pouring(asyncio.create_task(follow()), psutil.Process(process.pid))
    try:
        yield pouring
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await pouring.work


@asynccontextmanager
async def pouring_in_chromium(run: Run) -> AsyncIterator[Pouring]:
    """The run in a browser of its own."""
    own = psutil.Process()
    before = set(own.children(recursive=True))
    async with running_chromium() as browser:
        (started,) = [
            each
            for each in set(own.children(recursive=True)) - before
            if "chrom" in each.name() and "--type=" not in " ".join(each.cmdline())
        ][:1]
        async with _tab(browser, run, started) as pouring:
            yield pouring


@asynccontextmanager
async def _tab(browser: Browser, run: Run, started: psutil.Process) -> AsyncIterator[Pouring]:
    async with client_page(browser, str(run["url"])) as page:

        async def pour() -> None:
            await page.evaluate(_POUR, [f"{PLACE}bench/backpressure.js", run])

        def taken(_source: Any, number: int) -> None:
            pouring.taken = number

        await page.expose_binding("taken", taken)
        pouring = Pouring(asyncio.create_task(pour()), started, whole_family=True)
        try:
            yield pouring
        finally:
            pouring.work.cancel()
            await asyncio.gather(pouring.work, return_exceptions=True)


def has_chromium() -> bool:
    """Whether there is one."""
    return find_chromium() is not None
