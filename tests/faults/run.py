"""One run of the fault tests: jobs through the whole system under a schedule, then everything compared with the source.

The system, its data and the plain consumer live on from run to run; what a run leaves behind is deleted, and looked at again at
the end.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.jobs import Status
from schemas.topics import Names
from tests.faults.asking import JOB, Asking
from tests.faults.compare import beginning_faults, log_faults, reader_faults, state_faults
from tests.faults.oracle import Oracle
from tests.faults.play import Asked, Player
from tests.faults.readers import Reader
from tests.faults.schedule import PACE, JobPlan, Schedule
from tests.faults.source import SourceFault, SourceFolder, SourcePlan, Trouble
from tests.faults.system import Shape, System
from tests.faults.truth import CHUNK, Plant

ENDS_WITHIN = 150.0
"""Seconds from the last fault on: a job that has not ended by then is stuck."""
GONE_WITHIN = 120.0
"""Seconds in which the topics of all deleted jobs are to be gone."""
_STAY_GONE = 5.0
_PAGE = 97


@dataclass(slots=True)
class Outcome:
    """What a run did and found. ``hits`` counts what was really hit, by kind of fault; ``faults`` is empty when all is well."""

    seed: int
    theme: str
    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    jobs: int = 0
    records: int = 0
    lines: int = 0
    cuts: int = 0
    broken: int = 0
    repeated: int = 0
    read_again: int = 0
    """Chunks that were begun to be read once more."""


@dataclass(slots=True)
class Field:
    """What all runs share."""

    system: System
    plant: Plant
    source: SourceFolder
    oracle: Oracle
    jobs: dict[str, Asked] = field(default_factory=dict)

    async def run(self, schedule: Schedule) -> Outcome:
        """Runs a schedule. Every fault is told in the outcome; nothing of it is left behind but the states of its jobs."""
        run = _Run(self, schedule)
        begun = time.monotonic()
        try:
            await run.run()
        except* Exception as failures:
            run.outcome.faults += map(_told, failures.exceptions)
        run.outcome.seconds = time.monotonic() - begun
        return run.outcome

    async def look_back(self) -> list[str]:
        """At the end of all runs: no ended job has run again, and the topics of the deleted ones are gone and stay gone."""
        faults = []
        end = time.monotonic() + GONE_WITHIN
        while (left := await self.oracle.topics()) and time.monotonic() < end:
            await asyncio.sleep(1)
        if left:
            faults.append(f"topics of deleted jobs are left: {sorted(left)}")
        await asyncio.sleep(_STAY_GONE)
        if back := await self.oracle.topics() - left:
            faults.append(f"topics came back: {sorted(back)}")
        for job_id in self.jobs:
            states = self.oracle.states[job_id]
            faults += (f"job {job_id}: {fault}" for fault in state_faults(states))
            if states[-1].status is not Status.EXPIRED:
                faults.append(f"job {job_id} was deleted, but is {states[-1].status}")
        return faults


@asynccontextmanager
async def field_of(folder: Path, shape: Shape | None = None) -> AsyncIterator[Field]:
    """The system over its demo data, everything in ``folder``."""
    plant = await asyncio.to_thread(Plant.make, folder / "plant")
    source = SourceFolder(folder / "source")
    env = {"TRACE_CATALOGUE": str(plant.folder), "TRACE_DUCKDB_PATH": str(plant.database)}
    shape = replace(shape or Shape(), worker=("tests.faults.worker", str(source.path)))
    async with System(folder / "system", env, shape) as system, Oracle(system.broker) as oracle:
        yield Field(system, plant, source, oracle)


def _told(failure: BaseException) -> str:
    """An error in one line with where it came from."""
    where = traceback.extract_tb(failure.__traceback__)[-1]
    return f"{type(failure).__name__} at {Path(where.filename).name}:{where.lineno}: {failure}"


class _Run:
    def __init__(self, field: Field, schedule: Schedule) -> None:
        self.outcome = Outcome(schedule.seed, schedule.theme)
        self._field = field
        self._schedule = schedule
        self._name = f"{schedule.seed}"
        self._jobs: list[Asked] = []
        self._readers: dict[int, list[Reader]] = {}
        self._reading: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        field = self._field
        await field.system.settle()
        field.source.clear()
        field.source.plan(self._plan(PACE))
        async with Asking(field.system.urls, self._name) as asking:
            try:
                await self._play(asking)
                field.source.plan(self._plan(0.0))
                await field.system.settle()
                await self._until_ended()
                await self._check(asking)
            finally:
                for task in self._reading:
                    task.cancel()
                await field.system.settle()
            await self._delete(asking)
            self.outcome.repeated = asking.repeated

    def _plan(self, pace: float) -> SourcePlan:
        main = self._ids(self._schedule.jobs[0])
        faults = (
            SourceFault(each.domain, main[each.chunk * CHUNK], each.trouble, each.times)
            for each in self._schedule.failures
        )
        return SourcePlan(self._name, pace, tuple(faults))

    def _ids(self, job: JobPlan) -> list[str]:
        return self._field.plant.containers[job.first : job.first + job.count]

    async def _play(self, asking: Asking) -> None:
        plans = self._schedule.jobs
        self._jobs = [Asked(number, "", self._ids(plan)) for number, plan in enumerate(plans)]
        field = self._field
        player = Player(field.system, field.source, field.oracle, self._name, self._jobs)
        # The main job is there before the first fault; the others come while they happen.
        await self._submit(asking, 0)
        async with asyncio.TaskGroup() as group:
            for number in range(1, len(plans)):
                group.create_task(self._submit_later(asking, number))
            if not await player.until_read(0):
                raise AssertionError("the main job ended, or never began, before the first fault")
            await player.play(self._schedule.events)
        self.outcome.hits, self.outcome.missed = player.hits, player.missed

    async def _submit_later(self, asking: Asking, number: int) -> None:
        await asyncio.sleep(self._schedule.jobs[number].at)
        await self._submit(asking, number)

    async def _submit(self, asking: Asking, number: int) -> None:
        plan, job = self._schedule.jobs[number], self._jobs[number]
        body = {"container_ids": list(job.ids), "domains": list(plan.domains), "batch_size": plan.batch_size}
        if plan.aggregation:
            body["aggregation"] = "msd"
        job.job_id = await asking.submit(body, f"{self._name}-{number}")
        self._field.jobs[job.job_id] = job
        self._readers[number] = [
            Reader(self._field.system.urls, job.job_id, f"{self._name} {number} {k}", lambda: job.deleted)
            for k in range(plan.readers)
        ]
        self._reading += (asyncio.create_task(reader.run()) for reader in self._readers[number])

    async def _until_ended(self) -> None:
        """Every job in its last state, every reader at its end."""
        oracle = self._field.oracle
        end = time.monotonic() + ENDS_WITHIN
        for job in self._jobs:
            while (state := oracle.state(job.job_id)) is None or not state.ended:
                oracle.check()
                assert time.monotonic() < end, f"job {job.number} ({job.job_id}) is stuck: {state}"
                await asyncio.sleep(0.05)
        _, reading = await asyncio.wait(self._reading, timeout=max(5.0, end - time.monotonic()))
        assert not reading, f"{len(reading)} readers are stuck"
        for task in self._reading:
            task.result()

    async def _check(self, asking: Asking) -> None:
        for job in self._jobs:
            faults = await self._faults_of(job, asking)
            self.outcome.faults += (f"job {job.number} ({job.job_id}): {fault}" for fault in faults)
            self.outcome.jobs += 1
        reads = self._field.source.reads(self._name)
        self.outcome.read_again = len(reads) - len({(read.domain, read.container) for read in reads})
        self.outcome.hits.update(self._field.source.claimed(self._name))
        if self.outcome.hits[Trouble.DIES]:
            self.outcome.hits["kill worker"] += self.outcome.hits[Trouble.DIES]
        not_hit = self._schedule.must - set(self.outcome.hits)
        self.outcome.faults += (f"the run is for {kind}, which did not hit" for kind in not_hit)

    async def _faults_of(self, job: Asked, asking: Asking) -> list[str]:
        plan, readers, oracle = self._schedule.jobs[job.number], self._readers[job.number], self._field.oracle
        faults = [fault for reader in readers for fault in reader.faults]
        for reader in readers:
            self.outcome.cuts += reader.cuts
            self.outcome.broken += reader.broken
            self.outcome.lines += len(reader.lines)
        expected = await asyncio.to_thread(self._field.plant.expected, job.ids, plan.domains)
        if job.deleted:
            await self._until_gone(job, asking)
            faults += [fault for reader in readers for fault in beginning_faults(reader.lines, expected)]
            return faults + state_faults(oracle.states[job.job_id])
        aggregation = None
        if plan.aggregation:
            aggregation = await asyncio.to_thread(self._field.plant.aggregation, job.ids)
        log = await oracle.log(job.job_id)
        ends = ("complete", "cancelled") if job.cancelled else ("complete",)
        faults += log_faults(log, expected, ends, aggregation)
        faults += [fault for reader in readers for fault in reader_faults(log, reader.lines)]
        states = oracle.states[job.job_id]
        faults += state_faults(states, log[-1].offset + 1 if log else 0)
        if job.lives and not await self._lives(job):
            faults.append(f"its life is {states[-1].ttl}, not one of {job.lives}")
        if not await oracle.is_stable(Names().job(job.job_id)):
            faults.append("a transaction is open behind its end")
        if job.number == 0 and log and log[-1].headers.type == "complete":
            for domain, records in expected.records.items():
                if await asking.pages(job.job_id, domain, _PAGE) != records:
                    faults.append(f"the pages of {domain} are not its records")
        self.outcome.records += sum(message.headers.count or 0 for message in log if message.headers.batch)
        return faults

    async def _lives(self, job: Asked) -> bool:
        """Whether the job has a life that was asked for, soon at least: the command may have come just behind the end."""
        for _ in range(300):
            if self._field.oracle.states[job.job_id][-1].ttl in (job.lives or ()):
                return True
            await asyncio.sleep(0.1)
        return False

    async def _until_gone(self, job: Asked, asking: Asking) -> None:
        async with asyncio.timeout(60):
            while job.job_id in await self._field.oracle.topics():
                await asyncio.sleep(0.2)
        answer = await asking.ask("GET", JOB + job.job_id)
        assert answer.status_code == 410, f"a deleted job is answered with {answer.status_code}"

    async def _delete(self, asking: Asking) -> None:
        for job in self._jobs:
            answer = await asking.ask("DELETE", JOB + job.job_id)
            assert answer.status_code == 204, f"a delete was answered with {answer.status_code}"
