"""A processor as a process of its own, with one aggregation more: ``held``, which is ``msd`` and can be held up in the middle.

``python -m tests.processors BOOTSTRAP PREFIX PARTITIONS FOLDER`` runs it. While the file ``hold`` lies in the folder, a fold of
``held`` stands still in its thread; each process leaves the file ``folding-<pid>`` when it has begun one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from broker.settings import BrokerSettings
from catalogue.loader import load_catalogue
from processors.aggregations.msd import MidSectionDefects
from processors.aggregations.protocol import Line
from processors.app import run
from processors.registry import load_aggregations
from processors.settings import ProcessorSettings
from schemas.results import AggregationSpec

QUICK = ProcessorSettings(session_timeout=3.0, rebalance_timeout=3.0, poll_seconds=0.5)
HOLD = "hold"


class Held(MidSectionDefects):
    """``msd`` that stands still while it is told to."""

    spec: ClassVar[AggregationSpec] = replace(MidSectionDefects.spec, name="held")
    folder: ClassVar[Path]

    def fold(self, domain: str, line: Line) -> None:
        (self.folder / f"folding-{os.getpid()}").touch()
        while (self.folder / HOLD).exists():
            time.sleep(0.05)
        super().fold(domain, line)


@dataclass(slots=True)
class Processor:
    """A running process."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def end(self, number: signal.Signals) -> int:
        """Sends the signal and waits for the end; the exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def running_processor(broker: BrokerSettings, folder: Path) -> AsyncIterator[Processor]:
    """A processor that has joined its group; killed at the end if it still runs."""
    arguments = [broker.bootstrap, broker.prefix, str(broker.partitions), str(folder)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.processors",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"
        yield Processor(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def main(bootstrap: str, prefix: str, partitions: str, folder: str) -> None:
    logging.basicConfig(level=logging.INFO)
    for name in ("aiokafka", "faust", "mode"):
        logging.getLogger(name).setLevel(logging.WARNING)
    Held.folder = Path(folder)
    broker = BrokerSettings(bootstrap=bootstrap, prefix=prefix, partitions=int(partitions))
    registry = {**load_aggregations(), "held": Held}
    asyncio.run(run(broker, QUICK, load_catalogue(), lambda: print("ready", flush=True), registry=registry))


if __name__ == "__main__":
    main(*sys.argv[1:])
