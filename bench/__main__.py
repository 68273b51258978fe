"""``python -m bench`` (``make bench``): all measurements of one run side by side, a table and a JSON file.

A requirement that is missed is marked as such in both; the exit code is 0 all the same, because a time is no test.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from bench import clients, exactly_once, javascript, latency, memory, replay, report
from bench.figures import Figure
from bench.joblogs import Jobs
from bench.plant import Query
from bench.producer import ProducerBench
from bench.services import Service, running
from catalogue.loader import load_catalogue
from schemas.ids import ContainerIds
from tracestream import folders
from tracestream.data import container_ids
from tracestream.data_command import ensure, tell
from tracestream.reference import DOMAINS

GROUPS = ("producer", "exactly-once", "replay", "client", "javascript", "latency", "memory")
_WIDTH = 132
RESULTS = Path(__file__).parent / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures ratios of this machine.")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the demo data; 1 is the reference set"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="rounds of producer, exactly-once, replay and client"
    )
    parser.add_argument("--jobs", type=int, default=40, help="jobs of the latency, each way")
    parser.add_argument("--only", choices=GROUPS, nargs="+", default=GROUPS, help="only these measurements")
    parser.add_argument("--data-dir", type=Path, help="where the demo data is kept")
    parser.add_argument(
        "--output", type=Path, default=RESULTS / "scratch" / "latest.json", help="the JSON file"
    )
    return parser.parse_args()


async def measure(service: Service, database: Path, chosen: argparse.Namespace, folder: Path) -> list[Figure]:
    """The chosen measurements, one after the other."""
    catalogue = load_catalogue()
    ids = ContainerIds.from_iterable(container_ids(database))
    query = Query(ids, [catalogue[name] for name in DOMAINS])
    figures: list[Figure] = []
    async with Jobs(service.broker) as jobs:
        bench = ProducerBench(jobs, database, query, service.pids)
        if "producer" in chosen.only:
            figures += await bench.run(chosen.rounds, said("producer"))
        if "exactly-once" in chosen.only:
            figures += await exactly_once.measure(
                service.broker, database, query, chosen.rounds, said("exactly-once")
            )
        state = bench.state
        if state is None and {"replay", "client", "javascript"} & {*chosen.only}:
            state, _ = await jobs.run(ids, DOMAINS)
        if "replay" in chosen.only and state is not None:
            figures += await replay.measure(service, jobs, state, folder, chosen.rounds, said("replay"))
        if "client" in chosen.only and state is not None:
            figures += await clients.measure(service, state, chosen.rounds, said("client"))
        if "javascript" in chosen.only and state is not None:
            figures += await javascript.measure(service, state, chosen.rounds, said("javascript"))
        if "latency" in chosen.only:
            figures += await latency.measure(service, ids, DOMAINS, chosen.jobs, said("latency"))
        if "memory" in chosen.only:
            figures += await memory.measure(service, database)
    return figures


def said(group: str) -> Callable[[str], None]:
    """Says what a group is at."""
    return lambda text: print(f"{group}: {text}", flush=True)


async def main(chosen: argparse.Namespace) -> Sequence[Figure]:
    database = ensure(folders.data_folder(chosen.data_dir), chosen.scale, tell)
    with tempfile.TemporaryDirectory(prefix="tracestream-bench-") as temporary:
        folder = Path(temporary)
        async with running(folder, database) as service:
            return await measure(service, database, chosen, folder)


if __name__ == "__main__":
    wanted = arguments()
    begun = time.perf_counter()
    measured = asyncio.run(main(wanted))
    report.table(measured, Console(highlight=False, width=_WIDTH))
    report.write(wanted.output, measured, wanted.scale, time.perf_counter() - begun)
    print(f"written to {wanted.output}")
