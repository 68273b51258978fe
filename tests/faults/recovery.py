"""How long a job stands still when its worker or its processor is killed: ``python -m tests.faults.recovery``.

Default settings, the time-outs among them; two workers and two processors, so that somebody is there to take over. Rounds in turns:

worker: ``kill -9`` of the worker that reads the job, at a random moment; until the next record that a reader of committed data
    gets, what was on its way at the kill left out. Also counted: chunks that were read again.
processor: ``kill -9`` of the processor that folds the job, while the job grows; until another begins the fold anew, and until
    the aggregation stands in the log. The rest of the extraction is within that time.

The source is slow up to the kill, so that it hits the job half-way, and as fast as it can be afterwards.

Exit code 1 when one of them took 15 s or more.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from broker.fetch import LogReader
from schemas.topics import Names
from tests.faults.asking import JOB, Asking
from tests.faults.member import Member
from tests.faults.play import Asked, Player
from tests.faults.run import Field, field_of
from tests.faults.source import SourcePlan
from tests.faults.system import Shape
from tests.faults.truth import DOMAINS

REQUIRED = 15.0
"""Seconds."""
ENV = {"TRACE_FETCH_ROWS": "20"}
"""Everything else is as it comes: small batches of rows let a small job be slowed down."""
_IDS = 600
_PACE = 0.4
_ON_THE_WAY = 0.3
"""Seconds after a kill in which a commit that the broker had already may still show."""
_LOOK = 0.02
_DEADLINE = 90.0


@dataclass(slots=True)
class Figures:
    """Seconds of each round, and chunks read again in each."""

    worker: list[float] = field(default_factory=list)
    read_again: list[int] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)
    """Chunks that the dead worker had begun and that did not stand in the log."""
    fold: list[float] = field(default_factory=list)
    aggregation: list[float] = field(default_factory=list)

    def table(self) -> str:
        """A Markdown table."""
        rows: list[tuple[str, Sequence[float]]] = [
            ("worker dead → next record", self.worker),
            ("processor dead → fold begun anew", self.fold),
            ("processor dead → aggregation in the log", self.aggregation),
        ]
        lines = ["| from → to | rounds | median | worst |", "| --- | --- | --- | --- |"]
        lines += (
            f"| {name} | {len(each)} | {statistics.median(each):.1f} s | {max(each):.1f} s |"
            for name, each in rows
        )
        lines.append(
            f"\nChunks read again after a worker's death: {statistics.median(self.read_again):.0f} (median), at most "
            f"{max(self.read_again)}; begun and not yet in the log at its death: at most {max(self.ahead)}."
        )
        return "\n".join(lines)

    @property
    def worst(self) -> float:
        return max([*self.worker, *self.aggregation])


class Rounds:
    """Rounds over one system."""

    def __init__(self, field: Field, reader: LogReader, asking: Asking) -> None:
        self.figures = Figures()
        self._field = field
        self._reader = reader
        self._asking = asking

    async def worker(self, number: int) -> None:
        name, job, player = await self._begin(f"worker-{number}", aggregation=False)
        await asyncio.sleep(random.uniform(1.0, 3.0))
        busy = await player.busy(0)
        assert busy is not None
        killed = time.monotonic()
        busy.kill()
        self._field.source.plan(SourcePlan(name))
        begun = len(self._field.source.reads(name))
        await asyncio.sleep(_ON_THE_WAY)
        offset = await self._end(job)
        state = self._field.oracle.state(job.job_id)
        assert state is not None
        in_log = sum(done.chunks for done in state.progress)
        async with asyncio.timeout(_DEADLINE):
            while True:
                fetched = await self._reader.fetch(Names().job(job.job_id), 0, offset)
                if any(True for batch in fetched.batches for _ in batch.records()):
                    break
                offset = fetched.next_offset
                await asyncio.sleep(_LOOK)
        self.figures.worker.append(time.monotonic() - killed)
        await self._finish(name, job)
        reads = self._field.source.reads(name)
        self.figures.read_again.append(len(reads) - len({(read.domain, read.container) for read in reads}))
        self.figures.ahead.append(begun - in_log)

    async def processor(self, number: int) -> None:
        name, job, _ = await self._begin(f"processor-{number}", aggregation=True)
        folding = await self._folding(job, lambda member: True)
        await asyncio.sleep(random.uniform(0.0, 1.0))
        killed = time.monotonic()
        folding.kill()
        self._field.source.plan(SourcePlan(name))
        others = asyncio.create_task(self._fold_again(job, folding, killed))
        async with asyncio.timeout(_DEADLINE):
            while (state := self._field.oracle.state(job.job_id)) is None or not state.ended:
                await asyncio.sleep(_LOOK)
        self.figures.aggregation.append(time.monotonic() - killed)
        self.figures.fold.append(await others)
        await self._finish(name, job)

    async def _begin(self, name: str, *, aggregation: bool) -> tuple[str, Asked, Player]:
        field = self._field
        await field.system.settle()
        # Both are back in their group, and it is at rest.
        await asyncio.sleep(5)
        field.source.clear()
        field.source.plan(SourcePlan(name, _PACE))
        ids = field.plant.containers[:_IDS]
        body = {"container_ids": ids, "domains": list(DOMAINS)} | (
            {"aggregation": "msd"} if aggregation else {}
        )
        job = Asked(0, await self._asking.submit(body, name), ids)
        player = Player(field.system, field.source, field.oracle, name, [job])
        async with asyncio.timeout(_DEADLINE):
            while (state := field.oracle.state(job.job_id)) is None or state.end_offset == 0:
                await asyncio.sleep(_LOOK)
        return name, job, player

    async def _finish(self, name: str, job: Asked) -> None:
        self._field.source.plan(SourcePlan(name))
        async with asyncio.timeout(_DEADLINE):
            while (state := self._field.oracle.state(job.job_id)) is None or not state.ended:
                await asyncio.sleep(_LOOK)
        assert state.status == "complete", state
        await self._asking.ask("DELETE", JOB + job.job_id)

    async def _end(self, job: Asked) -> int:
        """Behind the last record that a reader of committed data gets now."""
        return (await self._reader.offsets(Names().job(job.job_id), 0)).last_stable

    async def _folding(self, job: Asked, accept: Callable[[Member], bool]) -> Member:
        """The processor that has begun to fold the job."""
        line = f"job {job.job_id}: fold begins"
        async with asyncio.timeout(_DEADLINE):
            while True:
                for member in self._field.system.of("processor"):
                    if accept(member) and line in member.log.read_text("utf-8", "replace"):
                        return member
                await asyncio.sleep(_LOOK)

    async def _fold_again(self, job: Asked, dead: Member, killed: float) -> float:
        line = f"job {job.job_id}: fold begins"
        before = dead.log.read_text("utf-8", "replace").count(line)
        async with asyncio.timeout(_DEADLINE):
            while True:
                for member in self._field.system.of("processor"):
                    count = member.log.read_text("utf-8", "replace").count(line)
                    if count > (before if member is dead else 0):
                        return time.monotonic() - killed
                await asyncio.sleep(_LOOK)


async def measure(rounds: int, folder: Path) -> Figures:
    """``rounds`` of each."""
    async with field_of(folder, Shape(env=ENV, gateways=1)) as field, Asking(field.system.urls, "") as asking:
        reader = LogReader(field.system.broker)
        await reader.start()
        try:
            measured = Rounds(field, reader, asking)
            for number in range(rounds):
                await measured.worker(number)
                await measured.processor(number)
                figures = measured.figures
                print(
                    f"{number + 1:3}  worker {figures.worker[-1]:4.1f} s  fold {figures.fold[-1]:4.1f} s"
                    f"  aggregation {figures.aggregation[-1]:4.1f} s",
                    flush=True,
                )
            return measured.figures
        finally:
            await reader.stop()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.recovery")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="tracestream-recovery-"))
    figures = asyncio.run(measure(arguments.rounds, folder))
    shutil.rmtree(folder)
    print(f"\n{figures.table()}")
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n")
    return int(figures.worst >= REQUIRED)


if __name__ == "__main__":
    sys.exit(main())
