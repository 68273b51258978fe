"""What the model knows at one moment: Kafka, the workers' group, the workers, the clock. Values only; nothing here decides.

Kafka is modelled as far as the protocol leans on it: topics as sequences of records that are open, committed or aborted;
transactional ids, each with its present holder, so that everybody else finds itself fenced; a committed reader that stops before
the first open record; a group whose members learn of their partitions later than the group decides. A world is hashed as a
whole, and a state of a job stands in it by its number in :data:`STATES`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from schemas.commands import SUBMIT, Request
from schemas.jobs import CommandPlace, DomainProgress, JobState, Status, encode_state, new_state

HOUR = 3_600_000
"""Milliseconds of a step of the model's clock."""

OPEN, COMMITTED, ABORTED = 0, 1, 2
TOMBSTONE = -1
NOBODY = (-1, "")
NOT_PENDING = -1

DOMAIN = "history"

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A job to be explored: one record a chunk."""

    chunks: int = 2
    aggregated: bool = False
    partition: int = 0


@dataclass(frozen=True)
class Setup:
    """What is explored: the jobs, the commands that clients may send once each (job, kind, TTL in hours), and how often what
    may go wrong. ``restarts``: a dead worker may be started again at any time, and not only when no other is alive. ``bug`` names
    one that is planted."""

    workers: int = 2
    jobs: tuple[Job, ...] = (Job(),)
    sends: tuple[tuple[int, str, int], ...] = ((0, SUBMIT, 0),)
    crashes: int = 0
    drains: int = 0
    rebalances: int = 0
    timeouts: int = 0
    breaks: int = 0
    deadlines: int = 0
    hours: int = 0
    sweeps: int = 0
    max_tries: int = 5
    ttl_hours: int = 1
    retention_hours: int = 2
    restarts: bool = False
    bug: str = ""

    @property
    def partitions(self) -> int:
        return 1 + max(job.partition for job in self.jobs)


class States:
    """Every job state that was met, each with a number: worlds are small and quickly compared."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._states: list[JobState] = []

    def number(self, state: JobState) -> int:
        value = encode_state(state)
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self._states)
            self._states.append(state)
        return found

    def __getitem__(self, number: int) -> JobState:
        return self._states[number]


STATES = States()


class Written(NamedTuple):
    """A record of ``trace.jobs``: ``state`` is a number of :data:`STATES` or TOMBSTONE, ``by`` the transactional id."""

    job: int
    state: int
    by: int
    status: int
    hour: int


class Line(NamedTuple):
    """A message of a job's topic: a letter of :mod:`tests.model.lines`, or the number of its chunk."""

    kind: str | int
    by: int
    status: int
    hour: int


class Command(NamedTuple):
    job: int
    kind: str
    ttl_hours: int
    hour: int


class Part(NamedTuple):
    """A partition at a worker that believes to own it. ``stage``: admit, scan, read, serve. ``end`` is the high watermark that
    is read to. ``admitting``: (offset, job, what is done of it, whether its id was taken ahead). ``again``: it was fenced or
    blocked."""

    stage: str = "admit"
    end: int = 0
    position: int = 0
    committed: int = 0
    unfinished: tuple[tuple[int, int], ...] = ()
    admitting: tuple[int, int, str, bool] | None = None
    again: bool = False


class Run(NamedTuple):
    """A live run of a job. ``stage``: idle, read, held, data (appended), state (the state appended too), owed (only with a
    bug), over. ``doing`` is what is being written."""

    stage: str = "idle"
    end: int = 0
    log_end: int = 0
    inbox: tuple[tuple[int, str, int], ...] = ()
    state: int = TOMBSTONE
    doing: str = ""
    began: bool = False
    retaken: bool = False
    gone: bool = False
    fresh: bool = False


class Chore(NamedTuple):
    """A burial or a sweep under way: ``stage``, the job of a burial, the high watermark to be read to, the topics listed."""

    stage: str
    job: int = -1
    end: int = 0
    listed: tuple[int, ...] = ()


class Worker(NamedTuple):
    """``life`` counts restarts; ``ghost``: a former life is still a member of the group; ``news``: the group has assigned the
    partitions anew and it does not know yet. ``views`` holds (offset, state) of each job. ``draining``: it is about to leave."""

    alive: bool
    life: int
    ghost: bool
    news: bool
    parts: tuple[Part | None, ...]
    runs: tuple[Run | None, ...]
    views: tuple[tuple[int, int] | None, ...]
    chore: Chore | None = None
    draining: bool = False


class Left(NamedTuple):
    """How often each fault may still happen, and which commands are not yet sent."""

    crashes: int
    drains: int
    rebalances: int
    timeouts: int
    breaks: int
    deadlines: int
    hours: int
    sweeps: int
    sends: tuple[bool, ...]


@dataclass(slots=True)
class World:
    """Everything. ``owner`` holds (worker, role) of each transactional id: the jobs', then ``admit`` of each partition, then,
    only with a bug, one of each worker and job."""

    setup: Setup
    hour: int
    commands: tuple[tuple[Command, ...], ...]
    committed: tuple[int, ...]
    pending: tuple[int, ...]
    assigned: tuple[int, ...]
    jobs: tuple[tuple[Written, ...], ...]
    logs: tuple[tuple[Line, ...] | None, ...]
    results: tuple[int, ...]
    owner: tuple[tuple[int, str], ...]
    workers: tuple[Worker, ...]
    left: Left
    said: list[str] = field(default_factory=list)

    def copy(self) -> World:
        return World(
            self.setup,
            self.hour,
            self.commands,
            self.committed,
            self.pending,
            self.assigned,
            self.jobs,
            self.logs,
            self.results,
            self.owner,
            self.workers,
            self.left,
        )

    def key(self) -> int:
        """Tells worlds apart: two that differ agree in it with a probability of about 1 in 10^19."""
        return hash(
            (
                self.hour,
                self.commands,
                self.committed,
                self.pending,
                self.assigned,
                self.jobs,
                self.logs,
                self.results,
                self.owner,
                self.workers,
                self.left,
            )
        )

    @property
    def now(self) -> int:
        return self.hour * HOUR

    # Kafka

    def admit_id(self, partition: int) -> int:
        return len(self.setup.jobs) + partition

    def job_id(self, job: int, worker: int) -> int:
        """The transactional id of a job; with a bug, of a job at one worker."""
        if self.setup.bug == "forget the fence":
            jobs = len(self.setup.jobs)
            return jobs + self.setup.partitions + worker * jobs + job
        return job

    def job_of(self, by: int) -> int | None:
        """The job that a transactional id belongs to; None for an ``admit``."""
        jobs, partitions = len(self.setup.jobs), self.setup.partitions
        if by < jobs:
            return by
        return None if by < jobs + partitions else (by - jobs - partitions) % jobs

    def is_open(self, by: int) -> bool:
        """Whether the id has a transaction open that has written something."""
        job = self.job_of(by)
        if job is None:
            partition = by - len(self.setup.jobs)
        else:
            partition = self.setup.jobs[job].partition
            if any(line.by == by and line.status == OPEN for line in self.logs[job] or ()):
                return True
        return any(record.by == by and record.status == OPEN for record in self.jobs[partition])

    def take(self, by: int, holder: tuple[int, str]) -> None:
        """InitProducerId: fences the former holder and aborts what it left open."""
        self.end(by, ABORTED)
        self.owner = put(self.owner, by, holder)

    def end(self, by: int, status: int) -> None:
        """Commits or aborts the open transaction of an id."""
        job = self.job_of(by)
        if job is None:
            partition = by - len(self.setup.jobs)
            if status == COMMITTED and self.pending[partition] != NOT_PENDING:
                self.committed = put(self.committed, partition, self.pending[partition])
            self.pending = put(self.pending, partition, NOT_PENDING)
        else:
            partition = self.setup.jobs[job].partition
            log = self.logs[job]
            if log:
                self.logs = put(self.logs, job, _ended(log, by, status))
        self.jobs = put(self.jobs, partition, _ended(self.jobs[partition], by, status))

    def write_line(self, job: int, kind: str | int, by: int) -> None:
        log = self.logs[job]
        assert log is not None
        self.logs = put(self.logs, job, (*log, Line(kind, by, OPEN, self.hour)))

    def write_state(self, job: int, state: int, by: int) -> None:
        partition = self.setup.jobs[job].partition
        record = Written(job, state, by, OPEN, self.hour)
        self.jobs = put(self.jobs, partition, (*self.jobs[partition], record))

    def is_read(self, partition: int, end: int) -> bool:
        """Whether a committed reader gets to ``end`` of ``trace.jobs``."""
        return all(record.status != OPEN for record in self.jobs[partition][:end])

    def states_of(self, job: int) -> list[int]:
        """The committed states of a job in order."""
        partition = self.setup.jobs[job].partition
        return [
            record.state
            for record in self.jobs[partition]
            if record.job == job and record.status == COMMITTED
        ]

    # Workers

    def name(self, worker: int) -> str:
        life = self.workers[worker].life
        return "ABCDEFGH"[worker] + ("" if life == 0 else f"{life + 1}")

    def set_worker(self, number: int, **changes: Any) -> None:
        self.workers = put(self.workers, number, self.workers[number]._replace(**changes))

    def set_part(self, number: int, partition: int, part: Part | None) -> None:
        self.set_worker(number, parts=put(self.workers[number].parts, partition, part))

    def set_run(self, number: int, job: int, run: Run | None) -> None:
        self.set_worker(number, runs=put(self.workers[number].runs, job, run))

    def set_view(self, number: int, job: int, view: tuple[int, int] | None) -> None:
        self.set_worker(number, views=put(self.workers[number].views, job, view))

    def spend(self, what: str) -> None:
        self.left = self.left._replace(**{what: getattr(self.left, what) - 1})


def put(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    """The tuple with one item exchanged."""
    return (*items[:index], item, *items[index + 1 :])


def _ended(records: tuple[Any, ...], by: int, status: int) -> tuple[Any, ...]:
    if not any(record.by == by and record.status == OPEN for record in records):
        return records
    return tuple(
        record._replace(status=status) if record.by == by and record.status == OPEN else record
        for record in records
    )


def nobody(setup: Setup) -> Worker:
    """A worker that has just begun."""
    return Worker(
        alive=True,
        life=0,
        ghost=False,
        news=False,
        parts=(None,) * setup.partitions,
        runs=(None,) * len(setup.jobs),
        views=(None,) * len(setup.jobs),
    )


def first_world(setup: Setup) -> World:
    """All workers are members, and the group has just shared out the partitions."""
    jobs, partitions = len(setup.jobs), setup.partitions
    return World(
        setup=setup,
        hour=0,
        commands=((),) * partitions,
        committed=(0,) * partitions,
        pending=(NOT_PENDING,) * partitions,
        assigned=tuple(number % setup.workers for number in range(partitions)),
        jobs=((),) * partitions,
        logs=(None,) * jobs,
        results=(0,) * jobs,
        owner=(NOBODY,) * (jobs + partitions + setup.workers * jobs),
        workers=tuple(
            nobody(setup)._replace(
                parts=tuple(
                    Part() if number % setup.workers == worker else None for number in range(partitions)
                )
            )
            for worker in range(setup.workers)
        ),
        left=Left(
            setup.crashes,
            setup.drains,
            setup.rebalances,
            setup.timeouts,
            setup.breaks,
            setup.deadlines,
            setup.hours,
            setup.sweeps,
            (True,) * len(setup.sends),
        ),
    )


def queued(world: World, job: int, offset: int) -> int:
    """The state that admission writes."""
    spec = world.setup.jobs[job]
    request = Request(
        job_id=str(job),
        domains=(DOMAIN,),
        cid_count=spec.chunks,
        duplicates_dropped=0,
        batch_size=1,
        ttl_seconds=world.setup.ttl_hours * 3600,
        principal="",
        request_hash="",
        submitted_at=0,
        aggregation="msd" if spec.aggregated else None,
    )
    state = new_state(request, CommandPlace(spec.partition, offset), str(job))
    return STATES.number(state)


def progress_of(state: JobState) -> DomainProgress:
    return state.progress[0]


__all__ = ["STATES", "Job", "Setup", "Status", "World", "first_world"]
