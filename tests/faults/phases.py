"""One job for each phase of a job's life and each command, all at once on one worker that is held up at the right places.

The jobs whose end is written and not yet committed have a partition of ``trace.jobs`` to themselves, since what they hold open
hides the states that stand behind it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto

import msgspec

from broker.errors import TopicGone
from schemas.commands import CANCEL, DELETE, SET_TTL
from schemas.jobs import JobState, Status
from schemas.results import Result, encode_result
from schemas.topics import new_job_id, partition_of
from tests.faults.heldworker import Holds
from tests.faults.plant import CHUNK, DOMAIN, ids_of
from tests.workers import JobClient, until

PARTITIONS = 2
NEW_TTL = 1800
COMMANDS = (CANCEL, DELETE, SET_TTL)
SLOTS = 9
"""As many as there are jobs that run, are mid-transaction or before a commit: one more has to wait."""

_LARGE = 4 * CHUNK


class Phase(StrEnum):
    """Where a job is when its command comes."""

    EXPIRED = auto()
    ENDED = auto()
    EXTRACTED = auto()
    UNCOMMITTED_END = auto()
    IN_TRANSACTION = auto()
    RUNNING = auto()
    QUEUED = auto()


@dataclass(frozen=True, slots=True)
class PhaseJob:
    """A job that is to get ``command`` in ``phase``."""

    phase: Phase
    command: str
    job_id: str
    ids: list[str]

    @property
    def held_chunk(self) -> str | None:
        """The container at which its extraction stands still."""
        at = {
            Phase.UNCOMMITTED_END: 0,
            Phase.QUEUED: 0,
            Phase.RUNNING: 0,
            Phase.IN_TRANSACTION: 2 * CHUNK,
        }.get(self.phase)
        return None if at is None else self.ids[at]

    @property
    def runs_at_last(self) -> bool:
        """Whether a changed life finds it before its end, so that it goes on to be complete."""
        return self.command == SET_TTL and self.phase is not Phase.EXPIRED

    def is_done(self, state: JobState) -> bool:
        """Whether ``state`` says that the command took effect."""
        if self.phase is Phase.EXPIRED or self.command == DELETE:
            return state.status is Status.EXPIRED
        return state.ended if self.command == CANCEL else state.ttl == NEW_TTL

    def is_over(self, state: JobState) -> bool:
        """Whether nothing more will happen to it."""
        return self.is_done(state) and state.ended


def make_jobs() -> list[PhaseJob]:
    """All of them, in the order in which they have to be brought to their phases."""
    places = iter(range(0, 1_000_000, _LARGE))
    found = []
    for phase in Phase:
        for command in COMMANDS:
            small = phase in (Phase.EXPIRED, Phase.ENDED, Phase.UNCOMMITTED_END)
            partition = 1 if phase is Phase.UNCOMMITTED_END else 0
            ids = ids_of(next(places), CHUNK if small else _LARGE)
            found.append(PhaseJob(phase, command, _id_in(partition), ids))
    return found


def _id_in(partition: int) -> str:
    return next(each for each in _new_ids() if partition_of(each, PARTITIONS) == partition)


def _new_ids() -> Iterator[str]:
    while True:
        yield new_job_id(time.time_ns() // 1_000_000, os.urandom(10))


class Scene:
    """Brings the jobs to their phases and sends the commands."""

    def __init__(self, client: JobClient, holds: Holds) -> None:
        self.client = client
        self.holds = holds
        self.jobs = make_jobs()

    async def set_up(self) -> None:
        """Returns when every job is in its phase."""
        for phase in Phase:
            jobs = [job for job in self.jobs if job.phase is phase]
            for job in jobs:
                if job.held_chunk is not None:
                    self.holds.chunk(job.held_chunk).touch()
                if phase is Phase.UNCOMMITTED_END:
                    self.holds.commit(job.job_id).touch()
                aggregation = "msd" if phase is Phase.EXTRACTED else None
                ttl = 1 if phase is Phase.EXPIRED else 3600
                await self.client.submit(
                    job.ids, [DOMAIN], job_id=job.job_id, aggregation=aggregation, ttl_seconds=ttl
                )
            await asyncio.gather(*(self._reached(job) for job in jobs))

    async def _reached(self, job: PhaseJob) -> None:
        if job.phase is Phase.UNCOMMITTED_END:
            await self._reached_end(job)
            return
        status = {Phase.ENDED: Status.COMPLETE, Phase.IN_TRANSACTION: Status.RUNNING}.get(job.phase)
        wanted = status or Status(job.phase)
        least = 1 if job.phase is Phase.IN_TRANSACTION else 0
        state = await self.client.state_when(
            job.job_id, lambda state: state.status is wanted and state.end_offset >= least, 60
        )
        if job.phase is Phase.IN_TRANSACTION:
            await self._open_behind(job, state.end_offset)

    async def _reached_end(self, job: PhaseJob) -> None:
        """None of these begins before all are admitted: an admission waits while the state of another stands open."""
        alike = [each for each in self.jobs if each.phase is job.phase]
        await asyncio.gather(*(self.client.state_when(each.job_id, lambda _: True, 60) for each in alike))
        assert job.held_chunk is not None
        self.holds.chunk(job.held_chunk).unlink()
        await self._open_behind(job, 0)

    async def _open_behind(self, job: PhaseJob, offset: int) -> None:
        """Waits until the job's log has uncommitted records behind ``offset``."""
        topic = self.client.names.job(job.job_id)

        async def is_open() -> bool:
            try:
                offsets = await self.client.reader.offsets(topic, 0)
            except TopicGone:
                return False
            return offsets.end > offsets.last_stable >= offset

        await until(is_open, 60)

    async def send_commands(self) -> None:
        for job in self.jobs:
            await self.client.command(job.job_id, job.command, NEW_TTL if job.command == SET_TTL else 0)

    async def take_effect(self, *, over: bool) -> None:
        """Waits for every command's effect; with ``over`` also for the end of the jobs that go on."""
        for job in self.jobs:
            if over or not self._waits_for_a_border(job):
                accept = job.is_over if over else job.is_done
                await self.client.state_when(job.job_id, accept, 60)

    def _waits_for_a_border(self, job: PhaseJob) -> bool:
        """A running job carries its changed life with its next checkpoint."""
        return job.command == SET_TTL and job.phase in (Phase.RUNNING, Phase.IN_TRANSACTION)

    def let_commits_go(self) -> None:
        for job in self.jobs:
            self.holds.commit(job.job_id).unlink(missing_ok=True)

    async def answer_results(self) -> None:
        """What a processor would find for the extracted jobs."""
        for job in self.jobs:
            if job.phase is Phase.EXTRACTED and job.runs_at_last:
                state = (await self.client.states(job.job_id))[-1]
                result = Result(job.job_id, "msd", state.end_offset, msgspec.Raw(b'{"n":1}'))
                await self.client.producer.send_and_wait(
                    self.client.names.results,
                    encode_result(result),
                    key=job.job_id.encode(),
                    partition=partition_of(job.job_id, PARTITIONS),
                )
