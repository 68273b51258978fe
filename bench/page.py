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
from rich.console import Console

from bench import report
from bench.figures import Figure
from bench.services import running
from bench.tab import Chromium, Tab, quiet_chromium
from gateway.page import BUILT
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, ensure_ids, tell
from tracestream_client import AsyncClient

GROUP = "page"
LONG_MS, FIRST_MS, MEMORY_MB, HIGHER = 50.0, 1000.0, 300.0, 15.0
_WIDTH = 132
_SAMPLE_SECONDS = 0.5
_TURN_SECONDS = 0.05
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
        # Reading the sizes takes a processor for many milliseconds: never from the browser.
        give_way(threading.get_native_id())
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


async def clicked(tab: Tab, url: str) -> str:
    """Starts the trace of all containers; answers the job's id once its first row is on screen."""
    await tab.go(url)
    await tab.click("[data-test=example]")
    await tab.until("document.querySelector('[data-test=count]')?.isConnected")
    await tab.click("button[type=submit]")
    await tab.until("window.bench.first")
    return str(await tab.evaluate("location.pathname")).rpartition("/")[2]


async def first_rows(chromium: Chromium, url: str, client: AsyncClient, rounds: int) -> list[float]:
    """Milliseconds from the click to the first row, one a round; the first round warms everything and is not told."""
    found = []
    for _ in range(rounds + 1):
        tab = await chromium.tab(_WATCH)
        job = await clicked(tab, url)
        found.append(float(await tab.evaluate("window.bench.first - window.bench.click")))
        await tab.close()
        await client.cancel(job)
        await client.remove(job)
        await asyncio.sleep(1.0)
    return found[1:]


async def scroll(tab: Tab) -> None:
    """Somebody at the wheel and at the box for rows, until the answer is whole."""
    await tab.point(700, 600)
    turn = 0
    while not await tab.evaluate("document.querySelector('[data-connection=ended]') !== null"):
        turn += 1
        await tab.wheel(700, 600, right=60 if turn % 7 == 0 else 0, down=900 if turn % 11 else -2500)
        if turn % 40 == 0:
            await tab.type("[data-test=jump]", str(1 + (turn * 977) % 100_000))
        await asyncio.sleep(_TURN_SECONDS)


async def whole_job(url: str, client: AsyncClient) -> dict[str, Any]:
    """One job to its end, in a browser of its own: what it cost the page."""
    async with quiet_chromium() as chromium:
        tab = await chromium.tab(_WATCH)
        await asyncio.sleep(2.0)
        memory = Memory(psutil.Process(chromium.pid))
        empty = memory.now()
        begun = time.monotonic()
        with memory.sampled():
            job = await clicked(tab, url)
            await scroll(tab)
        seconds = time.monotonic() - begun
        state = await client.status(job)
        taken = int(await tab.evaluate("document.querySelector('[data-test=records]').dataset.records"))
        long = await tab.evaluate(
            "window.bench.long.filter(([start]) => start > window.bench.click).map(([, ms]) => ms)"
        )
    return {
        "seconds": seconds,
        "long": [float(each) for each in long],
        "missing": state["progress"]["records"] - taken,
        "records": state["progress"]["records"],
        "memory": {kind: memory.peaks[kind] - empty[kind] for kind in empty},
    }


def give_way(thread: int) -> None:
    """Lets the thread run only when nobody else wants a processor."""
    os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))


def step_back(pids: Iterable[int]) -> None:
    """Lets the processes have only what nobody else wants of the processors, as if they ran elsewhere.

    The policy makes a processor that runs only them count as idle, so that others go there. Where the kernel groups processes by
    session, a policy counts only within the group, so the sessions that they lead step back too.
    """
    for pid in pids:
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists():
            group.write_text(str(_LOWEST))
        for thread in psutil.Process(pid).threads():
            with suppress(ProcessLookupError):
                give_way(thread.id)


async def measure(database: Path, folder: Path, rounds: int) -> tuple[list[float], dict[str, Any]]:
    ids = sum(1 for _ in container_ids(database))
    changes = {"TRACE_EXAMPLE_IDS": str(ensure_ids(database)), "TRACE_MAX_CIDS": str(max(200_000, ids))}
    async with running(folder, database, changes) as service, AsyncClient(service.url) as client:
        step_back(service.pids.values())
        async with quiet_chromium() as chromium:
            first = await first_rows(chromium, service.url, client, rounds)
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
