"""What the model knows at one moment: Kafka, the workers' group, the workers, the clock. Values only; nothing here decides.

Kafka is modelled as far as the protocol leans on it: topics as sequences of records that are open, committed or aborted;
transactional ids, each with its present holder, so that everybody else finds itself fenced; a committed reader that stops before
the first open record; markers that are left out (KAFKA-20734), so that what a transaction wrote there stands open until the next
marker of the same id in that place; a group whose members learn of their partitions later than the group decides. A world is
hashed as a whole, and a state of a job stands in it by its number in :data:`STATES`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from schemas.commands import SUBMIT, Request
from schemas.jobs import CommandPlace, DomainProgress, JobState, Status, encode_state, new_state

HOUR = 3_600_000
"""Milliseconds of a step of the model's clock."""

OPEN, COMMITTED, ABORTED, LEFT = 0, 1, 2, 3
"""What has become of a record. LEFT: its transaction has ended without a marker here, so that for every reader it stands open."""

STANDING = (OPEN, LEFT)
STATE, LOG, GROUP = "trace.jobs", "its log", "the group's offsets"
"""The places that a transaction may write to, each with a marker of its own."""

TOMBSTONE = -1
NOBODY = (-1, "")
NOT_PENDING = -1
NONE_UNMARKED: tuple[int, tuple[str, ...]] = (-1, ())

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
    may go wrong. ``unmarked``: transactions that lack markers. ``restarts``: a dead worker may be started again at any time, and
    not only when no other is alive. ``bug`` names one that is planted."""

    workers: int = 2
    jobs: tuple[Job, ...] = (Job(),)
    sends: tuple[tuple[int, str, int], ...] = ((0, SUBMIT, 0),)
    crashes: int = 0
    drains: int = 0
    rebalances: int = 0
    timeouts: int = 0
    breaks: int = 0
    deadlines: int = 0
    unmarked: int = 0
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
    bug), carried (the log says another state than the one that stands), over. ``doing`` is what is being written."""

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
    unmarked: int
    hours: int
    sweeps: int
    sends: tuple[bool, ...]


@dataclass(slots=True)
class World:
    """Everything. ``owner`` holds (worker, role) of each transactional id: the jobs', then ``admit`` of each partition, then,
    only with a bug, one of each worker and job. ``unmarked``: the id whose open transaction will lack markers, and where."""

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
    unmarked: tuple[int, tuple[str, ...]] = NONE_UNMARKED

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
            self.unmarked,
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
                self.unmarked,
            )
        )

    @property
    def now(self) -> int:
        return self.hour * HOUR

    @property
    def lacked_markers(self) -> bool:
        """Whether a transaction has ended without all of its markers, or is about to."""
        return self.left.unmarked < self.setup.unmarked

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

    def partition_of(self, by: int) -> int:
        job = self.job_of(by)
        return by - len(self.setup.jobs) if job is None else self.setup.jobs[job].partition

    def open_places(self, by: int) -> tuple[str, ...]:
        """Where the transaction that the id has open has written."""
        pending = self.job_of(by) is None and self.pending[self.partition_of(by)] != NOT_PENDING
        found = [place for place in (STATE, LOG) if self.standing(by, place, OPEN)]
        return (*found, GROUP) if pending else tuple(found)

    def is_open(self, by: int) -> bool:
        """Whether the id has a transaction open that has written something."""
        return bool(self.open_places(by))

    def standing(self, by: int, place: str, status: int) -> list[int]:
        """The offsets of what the id has written there and has this status."""
        records = enumerate(self._records(by, place))
        return [offset for offset, record in records if record.by == by and record.status == status]

    def _records(self, by: int, place: str) -> tuple[Any, ...]:
        if place == STATE:
            return self.jobs[self.partition_of(by)]
        job = self.job_of(by)
        return () if job is None else self.logs[job] or ()

    def take(self, by: int, holder: tuple[int, str]) -> None:
        """InitProducerId: fences the former holder and aborts what it left open."""
        self.end(by, ABORTED)
        self.owner = put(self.owner, by, holder)

    def end(self, by: int, status: int) -> None:
        """Commits or aborts the open transaction of an id: a marker in each place that it has written to and that is not left out.

        A group's offset that lacks its marker counts for nothing: the next transaction with an offset takes its place.
        """
        places, left_out = self.open_places(by), tuple[str, ...]()
        if places and self.unmarked[0] == by:
            left_out, self.unmarked = self.unmarked[1], NONE_UNMARKED
        for place in places:
            if place == GROUP:
                partition = self.partition_of(by)
                if status == COMMITTED and GROUP not in left_out:
                    self.committed = put(self.committed, partition, self.pending[partition])
                self.pending = put(self.pending, partition, NOT_PENDING)
            else:
                self.mark(by, place, LEFT if place in left_out else status)

    def mark(self, by: int, place: str, status: int) -> None:
        """What a marker does: it ends all that stands open there under the id. LEFT: there is none."""
        records = tuple(
            record._replace(status=status) if record.by == by and record.status in STANDING else record
            for record in self._records(by, place)
        )
        job = self.job_of(by)
        if place == STATE:
            self.jobs = put(self.jobs, self.partition_of(by), records)
        elif job is not None:
            self.logs = put(self.logs, job, records)

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
        return all(record.status not in STANDING for record in self.jobs[partition][:end])

    def is_seen(self, worker: int, job: int) -> bool:
        """Whether every committed reader gets to the state that the worker knows of a job; true where it knows none."""
        view, partition = self.workers[worker].views[job], self.setup.jobs[job].partition
        if view is None:
            return True
        return self.jobs[partition][view[0]].status == COMMITTED and self.is_read(partition, view[0])

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
            setup.unmarked,
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
