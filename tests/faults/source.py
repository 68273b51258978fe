"""A source that fails as it is told to, in a worker that is the real one otherwise.

What to do lies in a folder that all workers of a run share: ``source.json`` is a :class:`SourcePlan`. Each time that a fault is
done it is claimed by a file first, so that it is done as often as was planned over all processes and their deaths, and counted.
Each chunk that is begun is a line in ``reads``: the run, the process, the domain and the first container.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from catalogue.domain import Domain
from producers.sources.protocol import Source, SourceUnavailable


class Trouble(StrEnum):
    """What happens to one reading of a chunk, at its second batch of rows or at its end; the next reading is whole again."""

    FAILS = "fails"
    """The database is gone in mid-chunk."""
    HANGS = "hangs"
    """No more rows come until the domain's time-out."""
    SHORT = "short"
    """Only half of the rows of each batch come; then it fails."""
    DOUBLED = "doubled"
    """The rows of each batch come twice; then it fails."""
    DIES = "dies"
    """The worker is killed in mid-chunk, perhaps of an open transaction."""


class SourceFault(msgspec.Struct, frozen=True):
    """``times`` readings of the chunk of ``domain`` that begins with ``container`` meet the trouble."""

    domain: str
    container: str
    trouble: Trouble
    times: int


class SourcePlan(msgspec.Struct, frozen=True):
    """``pace``: seconds before each batch of rows. ``run`` tells one run's reads and claims from another's."""

    run: str
    pace: float = 0.0
    faults: tuple[SourceFault, ...] = ()


class Read(msgspec.Struct, frozen=True):
    """A chunk that was begun."""

    run: str
    pid: int
    domain: str
    container: str


class SourceFolder:
    """The folder as the tests see it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def plan(self, plan: SourcePlan) -> None:
        """What holds from the next chunk on."""
        unfinished = self.path / "source.json.unfinished"
        unfinished.write_bytes(msgspec.json.encode(plan))
        unfinished.rename(self.path / "source.json")

    def planned(self) -> SourcePlan:
        try:
            return msgspec.json.decode((self.path / "source.json").read_bytes(), type=SourcePlan)
        except FileNotFoundError:
            return SourcePlan("")

    def claim(self, plan: SourcePlan, domain: str, container: str) -> Trouble | None:
        """The trouble that this reading meets, now taken."""
        for number, fault in enumerate(plan.faults):
            if (fault.domain, fault.container) != (domain, container):
                continue
            for time in range(fault.times):
                try:
                    (self.path / f"claim-{plan.run}-{number}-{time}-{fault.trouble}").touch(exist_ok=False)
                except FileExistsError:
                    continue
                return fault.trouble
        return None

    def claimed(self, run: str) -> list[Trouble]:
        """The troubles that were met in a run."""
        return [Trouble(file.name.rpartition("-")[2]) for file in self.path.glob(f"claim-{run}-*")]

    def note(self, plan: SourcePlan, domain: str, container: str) -> None:
        line = msgspec.json.encode(Read(plan.run, os.getpid(), domain, container)) + b"\n"
        with (self.path / "reads").open("ab", buffering=0) as reads:
            reads.write(line)

    def reads(self, run: str) -> list[Read]:
        """Every chunk begun in a run, in order."""
        file = self.path / "reads"
        lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
        return [read for line in lines if (read := msgspec.json.decode(line, type=Read)).run == run]

    def clear(self) -> None:
        """Forgets claims and reads of former runs."""
        for file in (*self.path.glob("claim-*"), self.path / "reads"):
            file.unlink(missing_ok=True)


class FaultySource:
    """``source`` with the troubles of ``folder``."""

    def __init__(self, source: Source, folder: SourceFolder) -> None:
        self._source = source
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        plan, first = self._folder.planned(), container_ids[0]
        self._folder.note(plan, domain.name, first)
        trouble = self._folder.claim(plan, domain.name, first)
        rows = self._source.fetch_events_iter(container_ids, domain, batch_size, snapshot=snapshot)
        async with aclosing(rows):
            number = 0
            async for batch in rows:
                number += 1
                await asyncio.sleep(plan.pace)
                if number == 2:
                    await _meet(trouble)
                if trouble is Trouble.SHORT:
                    yield batch.slice(0, batch.num_rows // 2)
                else:
                    yield batch
                if trouble is Trouble.DOUBLED:
                    yield batch
        if trouble is not None:
            await _meet(Trouble.DIES if trouble is Trouble.DIES else Trouble.FAILS)


async def _meet(trouble: Trouble | None) -> None:
    if trouble is Trouble.DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble is Trouble.HANGS:
        await asyncio.sleep(3600)
    if trouble is Trouble.FAILS:
        raise SourceUnavailable("The database is gone, as planned.", code="PLANNED")
