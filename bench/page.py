"""The page with the reference job in a real Chromium: ``python -m bench.page --scale 1 4``.

For each scale everything is started anew. Clicks on "Start the trace" with all containers: the time to the first row on screen, in
the page's own clock (jobs of these rounds are cancelled at once). Then one job to its end while somebody scrolls and jumps: tasks
over 50 ms of the page's thread, the records it took beside those of the job's state, and the memory of the tab's process above
that of an empty page. Memory is the proportional set size, in which what several processes share counts by its part.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.async_api import Browser, Page
from rich.console import Console

from bench import report
from bench.figures import Figure
from bench.services import running
from gateway.page import BUILT
from tests.browsers import running_chromium
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, ensure_ids, tell
from tracestream_client import AsyncClient

GROUP = "page"
LONG_MS, FIRST_MS, MEMORY_MB, HIGHER = 50.0, 1000.0, 300.0, 15.0
DEADLINE_MS = 600_000.0
_WIDTH = 132
_SAMPLE_SECONDS = 0.5
_LOWEST = 19

_WATCH = """
window.bench = { long: [], click: null, first: null };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.bench.long.push([entry.startTime, entry.duration]);
}).observe({ type: "longtask", buffered: true });
addEventListener("click", (event) => {
  if (!event.target.closest("button[type=submit]")) return;
  Object.assign(window.bench, { click: event.timeStamp, first: null });
  const look = () => {
    const cell = document.querySelector("[data-test=grid] [role=gridcell]:not(.bone)");
    if (cell && cell.textContent) window.bench.first = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}, true);
"""


class Memory:
    """Peaks of the proportional set size of a browser's processes, in MB, by their kind."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._over = threading.Event()
        self.peaks = {"renderer": 0.0, "all": 0.0}

    @contextmanager
    def sampled(self) -> Iterator[None]:
        """Samples during the block."""
        thread = threading.Thread(target=self._sample)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _sample(self) -> None:
        while not self._over.is_set():
            now = self.now()
            self.peaks = {kind: max(peak, now[kind]) for kind, peak in self.peaks.items()}
            self._over.wait(_SAMPLE_SECONDS)

    def now(self) -> dict[str, float]:
        sums = {"renderer": 0.0, "all": 0.0}
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                size = process.memory_full_info().pss / 1e6
                renderer = "--type=renderer" in process.cmdline()
            except psutil.Error:
                continue
            sums["all"] += size
            sums["renderer"] += size if renderer else 0.0
        return sums


def browser_process() -> psutil.Process:
    """The Chromium that this process started last."""
    found = [
        child
        for child in psutil.Process(os.getpid()).children(recursive=True)
        if any("--remote-debugging" in part for part in child.cmdline())
        and "--type=" not in " ".join(child.cmdline())
    ]
    return max(found, key=lambda child: child.create_time())


async def fresh(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    await context.add_init_script(_WATCH)
    page = await context.new_page()
    page.set_default_timeout(DEADLINE_MS)
    return page


async def clicked(page: Page, url: str) -> str:
    """Starts the trace of all containers; answers the job's id once its first row is on screen."""
    await page.goto(url)
    await page.click("[data-test=example]")
    await page.wait_for_selector("[data-test=count]")
    await page.click("button[type=submit]")
    # The policy of the page forbids what wait_for_function does.
    while await page.evaluate("window.bench.first") is None:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return page.url.rpartition("/")[2]


async def first_rows(browser: Browser, url: str, client: AsyncClient, rounds: int) -> list[float]:
    """Milliseconds from the click to the first row, one a round; the first round warms everything and is not told."""
    found = []
    for _ in range(rounds + 1):
        page = await fresh(browser)
        job = await clicked(page, url)
        found.append(float(await page.evaluate("window.bench.first - window.bench.click")))
        await page.context.close()
        await client.cancel(job)
        await client.remove(job)
        await asyncio.sleep(1.0)
    return found[1:]


async def scroll(page: Page) -> None:
    """Somebody at the wheel and at the box for rows, until the answer is whole."""
    await page.mouse.move(700, 600)
    done = page.locator("[data-connection=ended]")
    turn = 0
    while not await done.count():
        turn += 1
        await page.mouse.wheel(60 if turn % 7 == 0 else 0, 900 if turn % 11 else -2500)
        if turn % 40 == 0:
            await page.fill("[data-test=jump]", str(1 + (turn * 977) % 100_000))
            await page.press("[data-test=jump]", "Enter")
        await asyncio.sleep(0.05)


async def whole_job(url: str, client: AsyncClient) -> dict[str, Any]:
    """One job to its end, in a browser of its own: what it cost the page."""
    async with running_chromium() as browser:
        page = await fresh(browser)
        await page.goto("about:blank")
        await asyncio.sleep(2.0)
        memory = Memory(browser_process())
        empty = memory.now()
        begun = time.monotonic()
        with memory.sampled():
            job = await clicked(page, url)
            await scroll(page)
        seconds = time.monotonic() - begun
        state = await client.status(job)
        taken = int(await page.get_attribute("[data-test=records]", "data-records") or 0)
        long = await page.evaluate(
            "window.bench.long.filter(([start]) => start > window.bench.click).map(([, ms]) => ms)"
        )
    return {
        "seconds": seconds,
        "long": [float(each) for each in long],
        "missing": state["progress"]["records"] - taken,
        "records": state["progress"]["records"],
        "memory": {kind: memory.peaks[kind] - empty[kind] for kind in empty},
    }


def step_back(pids: Iterable[int]) -> None:
    """Gives all threads of the processes the lowest priority."""
    for pid in pids:
        for thread in psutil.Process(pid).threads():
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread.id, _LOWEST)


async def measure(database: Path, folder: Path, rounds: int) -> tuple[list[float], dict[str, Any]]:
    ids = sum(1 for _ in container_ids(database))
    changes = {"TRACE_EXAMPLE_IDS": str(ensure_ids(database)), "TRACE_MAX_CIDS": str(max(200_000, ids))}
    async with running(folder, database, changes) as service, AsyncClient(service.url) as client:
        step_back(service.pids.values())
        async with running_chromium() as browser:
            first = await first_rows(browser, service.url, client, rounds)
        return first, await whole_job(service.url, client)


def figures(scale: float, first: Sequence[float], whole: dict[str, Any]) -> list[Figure]:
    long = whole["long"]
    name = f"scale {scale:g}: "
    return [
        Figure(GROUP, name + "click to the first row", "ms", tuple(first), below=FIRST_MS),
        Figure(GROUP, name + "tasks over 50 ms", "", (float(len(long)),), below=1.0),
        Figure(GROUP, name + "longest task over 50 ms", "ms", (max(long, default=0.0),)),
        Figure(GROUP, name + "records that the page lacks", "", (float(whole["missing"]),), below=1.0),
        Figure(GROUP, name + "records", "", (float(whole["records"]),)),
        Figure(GROUP, name + "click to the end", "s", (whole["seconds"],)),
        Figure(
            GROUP,
            name + "tab above an empty page, peak",
            "MB",
            (whole["memory"]["renderer"],),
            below=MEMORY_MB,
        ),
        Figure(GROUP, name + "all of Chromium above an empty page, peak", "MB", (whole["memory"]["all"],)),
    ]


async def main(chosen: argparse.Namespace) -> None:
    if not (BUILT / "index.html").is_file():
        raise SystemExit("The page is not built: make page")
    begun = time.monotonic()
    found: list[Figure] = []
    peaks: list[float] = []
    for scale in chosen.scale:
        database = ensure(folders.data_folder(chosen.data_dir), scale, tell)
        with tempfile.TemporaryDirectory(prefix="tracestream-bench-") as folder:
            first, whole = await measure(database, Path(folder), chosen.rounds)
        found += figures(scale, first, whole)
        peaks.append(whole["memory"]["renderer"])
    higher = 100 * (max(peaks) / peaks[0] - 1)
    found.append(Figure(GROUP, "the tab's peak at the larger scale, higher by", "%", (higher,), below=HIGHER))
    report.table(found, Console(highlight=False, width=_WIDTH))
    report.write(chosen.output, found, max(chosen.scale), time.monotonic() - begun)
    print(chosen.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0, 4.0])
    parser.add_argument("--rounds", type=int, default=5, help="clicks that are timed")
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "scratch" / "page.json"
    )
    asyncio.run(main(parser.parse_args()))
