"""The owner of one partition: takes it over, admits submits, hands commands to jobs (design: "Admission", "On assignment").

On assignment, also of a partition that came back:
1. take ``admit.<partition>``, which fences a former owner's admissions;
2. read the group's committed offset: commands are read on from there;
3. read ``trace.jobs`` uncommitted from the last stable offset to the high watermark, for ids only, and take each id that has
   records there and is not held by a live run of our own, so that no dead writer's open transaction blocks us; end what is left
   open even then (:mod:`joblog.hanging`), also later, when something stands open for longer than any writer leaves it so;
4. read ``trace.jobs`` committed to the high watermark;
then take up every job that has not ended. Blocked longer than the deadline or fenced: again from 1, never the id alone.

The offset committed is never beyond the oldest command that is not finished; commands behind it are read again after a
take-over and recognised.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from aiokafka import TopicPartition

from broker.errors import BrokerError, Retriable
from broker.fetch import Batch, Record
from joblog.hanging import end_left_states, leftover, open_batches
from joblog.protocol import Backlog, Wanted, concerns, is_admitted, is_taken_up, was_admitted, was_stored
from joblog.transactions import Transactor
from joblog.writer import now_ms
from producers.job import FreshStart, JobRun
from producers.services import Services
from schemas import commands
from schemas.jobs import CommandPlace, decode_state, encode_state, new_state
from schemas.topics import is_job_id

log = logging.getLogger(__name__)

ADMIT_TIMEOUT = 10.0
"""Seconds after which Kafka aborts an admission by itself: it is over in milliseconds."""

RENEWAL = 3600.0
"""Seconds after which an owner that had nothing to write writes its offset again. Kafka forgets ids that nobody uses
(``transactional.id.expiration.ms``), and the next admission would have to take the partition over first."""

_WATCH_SECONDS = 2.0
"""How often an owner looks whether something stands open in ``trace.jobs``."""

_LEFT_OPEN = 3.0
"""Session time-outs after which something that stands open is taken for left: a writer that is dead or stalled has lost it
after one, and its partition after little more."""

_RELEASE = 0.25
"""The part of a drain's time that is kept to release the jobs that came to no border."""


@dataclass(frozen=True, slots=True)
class Command:
    """A record of ``trace.commands`` without its container IDs: these are read again by whoever runs the job."""

    offset: int
    timestamp: int
    job_id: str
    kind: str
    headers: dict[str, bytes]
    ttl_seconds: int = 0


class Group(Protocol):
    """What a partition needs of the workers' group."""

    async def committed(self, partition: int) -> int | None: ...


def command_of(record: Record) -> Command | None:
    """The command in a record; None for one that is not ours. Keeps nothing of the record's value."""
    kind = commands.kind_of(record.headers)
    job_id = (record.key or b"").decode("ascii", "replace")
    if not is_job_id(job_id) or kind not in (
        commands.SUBMIT,
        commands.CANCEL,
        commands.DELETE,
        commands.SET_TTL,
    ):
        return None
    ttl = 0
    try:
        if kind == commands.SUBMIT and commands.request_of(record.headers).job_id != job_id:
            return None
        if kind == commands.SET_TTL:
            ttl = msgspec.json.decode(record.value or b"", type=commands.SetTtl).ttl_seconds
    except (msgspec.MsgspecError, KeyError):
        return None
    return Command(record.offset, record.timestamp, job_id, kind, record.headers, ttl)


class Partition:
    """One partition while it is owned: ``run`` until cancelled. The jobs outlive a rebalance, the partition object too."""

    def __init__(
        self, number: int, services: Services, group: Group, on_ready: Callable[[int], None]
    ) -> None:
        self.number = number
        self.runs: dict[str, JobRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._services = services
        self._group = group
        self._on_ready = on_ready
        self._queue: asyncio.Queue[Command] = asyncio.Queue()
        self._admit: Transactor | None = None
        self._admitting = ""
        # Where the newest admission since the take-over stands.
        self._admitted = -1
        # Jobs whose topic the sweep is removing just now, and what is set when it is gone.
        self.sweeping: dict[str, asyncio.Event] = {}
        self._backlog = Backlog(0, -1)
        # The last stable offset that something stands open at, since when, and when that was last looked at.
        self._open_at, self._open_since, self._looked = -1, 0.0, 0.0

    def take_in(self, records: Sequence[Record]) -> None:
        """Commands that the follower has read, in order."""
        for record in records:
            command = command_of(record)
            if command is not None:
                self._queue.put_nowait(command)

    async def run(self) -> None:
        """Takes the partition over and serves it; begins again from step 1 after any trouble with Kafka."""
        heartbeat = self._services.settings.heartbeat
        while True:
            try:
                await self._take_over()
                self._on_ready(self.number)
                await self._serve()
            except BrokerError as error:
                log.warning("partition %d: %s; taking it over again", self.number, error)
            except Exception:
                log.exception("partition %d: unexpected error; taking it over again", self.number)
            finally:
                await self._close_admit()
            await asyncio.sleep(heartbeat * 1.5)

    async def _close_admit(self) -> None:
        admit, self._admit = self._admit, None
        if admit is not None:
            await admit.close()

    async def _take_over(self) -> None:
        services, names = self._services, self._services.names
        deadline = services.settings.broker_deadline
        services.follower.remove(names.commands, self.number)
        self._admit = await Transactor.take(
            services.broker, names.admit_id(self.number), timeout=ADMIT_TIMEOUT, deadline=deadline
        )
        committed = await self._group.committed(self.number)
        offsets = await services.reader.offsets(names.commands, self.number)
        position = max(offsets.start, committed or 0)
        self._backlog, self._admitted = Backlog(position, position), -1
        self._queue = asyncio.Queue()
        await self._end_open_transactions(position)
        await self._end_open_tombstones()
        services.view.open(self.number)
        for topic in (names.jobs, names.results):
            if (topic, self.number) not in services.follower.positions:
                services.follower.add(topic, self.number, 0)
            await services.caught_up(topic, self.number)
        await self._take_up_jobs()
        services.follower.add(names.commands, self.number, position)

    async def _take_up_jobs(self) -> None:
        """Every job that has not ended, whose time has come, or that expired and still has its topic."""
        topics = set(await self._services.admin.list_topics())
        for _, state in list(self._services.view.states(self.number)):
            if is_taken_up(state, topic_stands=state.topic in topics, now_ms=now_ms()):
                self.start(state.job_id)

    async def _end_open_transactions(self, position: int) -> None:
        """Step 3: takes and lets go of each id with records behind the last stable offset, and ends what is left open then.

        The commands before ``position`` count as done.
        """
        services, jobs = self._services, self._services.names.jobs
        open_now = await open_batches(services.reader, jobs, self.number)
        for job_id in self._writers(open_now):
            async with services.taken(job_id) as taken:
                known = services.view.offset(self.number, job_id)
                await end_left_states(services.reader, taken, jobs, self.number, known)
        admit = self._owner()
        left = await leftover(services.reader, admit, jobs, self.number)
        if left:
            states = {r.offset: decode_state(r.value) for batch in left for r in batch.records() if r.value}
            own = any(
                was_stored(offset, services.view.offset(self.number, state.job_id))
                for offset, state in states.items()
            )
            await admit.mark(jobs, self.number, commit=own or was_admitted(states.values(), position))

    async def _end_open_tombstones(self) -> None:
        """The same in ``trace.results``, where jobs write tombstones: whatever came of one, the result is of no more use."""
        services, results = self._services, self._services.names.results
        open_now = await open_batches(services.reader, results, self.number)
        for job_id in self._writers(open_now):
            async with services.taken(job_id) as taken:
                if await leftover(services.reader, taken, results, self.number):
                    await taken.mark(results, self.number, commit=True)

    async def _watch_open(self) -> None:
        """Ends what stands open in ``trace.jobs`` for so long that nobody can be about to end it."""
        services, now = self._services, time.monotonic()
        if now - self._looked < _WATCH_SECONDS:
            return
        self._looked = now
        offsets = await services.reader.offsets(services.names.jobs, self.number)
        if not offsets.has_open or offsets.last_stable != self._open_at:
            self._open_at, self._open_since = offsets.last_stable, now
        elif now - self._open_since > _LEFT_OPEN * services.settings.session_timeout:
            self._open_since = now
            await self._end_open_transactions(self._backlog.committed)

    def _writers(self, batches: Iterable[Batch]) -> set[str]:
        """The jobs that the batches speak of, without those that a live run of our own holds."""
        held = {job_id for job_id, run in self.runs.items() if run.holds}
        return {r.key.decode("ascii") for batch in batches for r in batch.records() if r.key} - held

    async def _serve(self) -> None:
        """Commands in order, at once; between them the offset is moved on behind what is finished."""
        while True:
            await self._watch_open()
            try:
                async with asyncio.timeout(1.0):
                    command = await self._queue.get()
            except TimeoutError:
                self._check_followed()
                await self._commit_finished()
                continue
            if not self._backlog.take(command.offset):
                continue
            if command.kind == commands.SUBMIT:
                await self._admit_submit(command)
            else:
                self._hand_over(command)

    def _check_followed(self) -> None:
        """Raises Retriable when a topic is followed no longer: a broker has said that it does not exist."""
        services, names = self._services, self._services.names
        for topic in (names.commands, names.jobs, names.results):
            if (topic, self.number) not in services.follower.positions:
                raise Retriable(f"{topic} was gone for a moment")

    async def _admit_submit(self, command: Command) -> None:
        """One short transaction: the group's offset first, then ``queued``; a known or too old job is passed over."""
        services, names = self._services, self._services.names
        known, age = services.view.knows(self.number, command.job_id), now_ms() - command.timestamp
        if not is_admitted(known=known, age_ms=age, retention_ms=services.broker.command_retention * 1000):
            return
        if command.job_id in self.sweeping:
            # Its topic is an orphan that is being removed: what is written to it now would be lost.
            await self.sweeping[command.job_id].wait()
        # The marker of this admission would decide about one before that has none.
        await services.passed(names.jobs, self.number, self._admitted)
        self._admitting = command.job_id
        request = commands.request_of(command.headers)
        state = new_state(request, CommandPlace(self.number, command.offset), names.job(command.job_id))
        value, key = encode_state(state), command.job_id.encode("ascii")
        starts_now = services.slots.has_room(small=services.is_small(request))
        ahead = asyncio.create_task(self._start_ahead(command.job_id)) if starts_now else None
        try:
            admit = self._owner()
            async with admit.transaction():
                await self._send_offset(admit, self._backlog.safe)
                await admit.send(names.jobs, value, partition=self.number, key=key)
                (offset,) = await admit.settle()
                fresh = await asyncio.shield(ahead) if ahead else None
            self._admitted = offset
        except BaseException:
            if ahead is not None:
                await asyncio.shield(asyncio.create_task(_drop(ahead)))
            raise
        services.view.put(self.number, command.job_id, offset, now_ms(), value, own=True)
        self.start(command.job_id, fresh)

    async def _start_ahead(self, job_id: str) -> FreshStart | None:
        """The topic made and the id taken side by side with the admission; None where anything is not as for a new job."""
        services = self._services
        made, taken = await asyncio.gather(
            services.create_job_topic(job_id), services.take(job_id), return_exceptions=True
        )
        if made is True and isinstance(taken, Transactor):
            return FreshStart(taken)
        if isinstance(taken, Transactor):
            await taken.close()
        return None

    def is_admitting(self, job_id: str) -> bool:
        """Whether the job's topic may stand before its state does."""
        return job_id in self.runs or job_id == self._admitting

    def _owner(self) -> Transactor:
        if self._admit is None:
            raise RuntimeError("the partition is served before it was taken over")
        return self._admit

    async def _send_offset(self, admit: Transactor, offset: int) -> None:
        place = TopicPartition(self._services.names.commands, self.number)
        await admit.send_offsets(self._services.names.workers, {place: offset})
        self._backlog.committed = offset

    async def _commit_finished(self) -> None:
        """Moves the committed offset behind the commands that are finished by now; writes it again before Kafka forgets the id."""
        self.collect_finished()
        admit = self._owner()
        if self._backlog.safe > self._backlog.committed or admit.idle_seconds > RENEWAL:
            async with admit.transaction():
                await self._send_offset(admit, self._backlog.safe)

    def collect_finished(self) -> None:
        """Notes which commands are finished by the jobs' states. One that stands without a marker yet may still come to nothing."""
        view = self._services.view
        for job_id in set(self._backlog.unfinished.values()):
            run = self.runs.get(job_id)
            if run is not None and view.is_read(self.number, job_id):
                state = view.state(self.number, job_id)
                self._backlog.finish(run.inbox.drop_finished(state, run.topic_gone))

    def _hand_over(self, command: Command) -> None:
        """A cancel, delete or TTL goes to its job; one about no job of ours is finished at once."""
        wanted, view = Wanted(command.offset, command.kind, command.ttl_seconds), self._services.view
        state = view.state(self.number, command.job_id)
        if not concerns(wanted, state) and view.is_read(self.number, command.job_id):
            return
        self._backlog.hold(command.offset, command.job_id)
        run = self.start(command.job_id)
        run.inbox.add(wanted)
        run.nudge()

    def start(self, job_id: str, fresh: FreshStart | None = None) -> JobRun:
        """The live run of a job, begun unless there is one."""
        task = self._tasks.get(job_id)
        if task is not None and not task.done():
            return self.runs[job_id]
        former = self.runs.get(job_id)
        run = JobRun(self._services, self.number, job_id, fresh)
        if former is not None:
            run.inbox.commands += former.inbox.commands
        self.runs[job_id] = run
        self._tasks[job_id] = task = asyncio.create_task(run.run(), name=f"job {job_id}")
        task.add_done_callback(lambda done: self._ended(job_id, done))
        return run

    def _ended(self, job_id: str, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("job %s: unexpected error", job_id, exc_info=error)
        self.collect_finished()
        if self._tasks.get(job_id) is task and not self.runs[job_id].inbox.commands:
            del self._tasks[job_id], self.runs[job_id]

    def drain(self) -> None:
        """Asks every job to stop at its next border."""
        for run in self.runs.values():
            run.drain()

    async def stop_jobs(self, seconds: float) -> None:
        """Waits so long for the jobs to stop, at a border while there is time for that, then drops what they have open."""
        await self._stopped(seconds * (1 - _RELEASE))
        for run in self.runs.values():
            run.let_go()
        await self._stopped(seconds * _RELEASE)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stopped(self, seconds: float) -> None:
        tasks = [task for task in self._tasks.values() if not task.done()]
        if tasks and seconds > 0:
            await asyncio.wait(tasks, timeout=seconds)


async def _drop(ahead: asyncio.Task[FreshStart | None]) -> None:
    """Waits for what was begun and lets go of it; cancelling it would lose sight of an id that is taken already."""
    (fresh,) = await asyncio.gather(asyncio.shield(ahead), return_exceptions=True)
    if isinstance(fresh, FreshStart):
        await fresh.transactor.close()
