"""One job on its worker, from take-over to the end of its life here (design: "Who writes what", "States").

The theory: :func:`joblog.protocol.next_step` says what to do from the state and the commands; it is done while the job's
transactional id is held (:mod:`producers.hold`, :mod:`producers.attempt`). Any trouble with Kafka has one answer, because being
fenced proves nothing: let the id go, wait for more than a heartbeat, look whether the partition is still ours, take the id
again and read again. Jobs wait for a slot only to extract; a cancel, a changed life or an expiry needs none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from broker.errors import BrokerError, Retriable, TopicGone
from joblog.ends import read_to_end
from joblog.hanging import end_left_log, end_left_states
from joblog.protocol import Inbox, Step, back_off, is_suspect, next_step
from joblog.replay import Entry, is_missing, replay, rewound
from joblog.transactions import Transactor
from joblog.writer import LogWriter, now_ms
from producers.attempt import Attempt
from producers.hold import Hold, Memory
from producers.interruptions import Interruptions
from producers.schedule import Waiting
from producers.services import Services
from schemas.headers import decode
from schemas.jobs import JobState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FreshStart:
    """What admission has done ahead for a job that starts at once: its topic is new and so empty, and its id was taken before
    ``queued`` was committed. Whoever else takes the id does so later and fences this one; so there is nothing to read."""

    transactor: Transactor


def _is_asked_to_end() -> bool:
    """Whether somebody has cancelled this task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class JobRun:
    """A job that has something to do. ``run`` ends when it has nothing more to do here, or when it has to let go."""

    def __init__(
        self, services: Services, partition: int, job_id: str, fresh: FreshStart | None = None
    ) -> None:
        self.partition = partition
        self.job_id = job_id
        self.topic_gone = False
        # Whether it has the job's id now, and so sees to a transaction that is open under it.
        self.holds = False
        self._services = services
        self._fresh = fresh
        self._calls = Interruptions()
        self._memory = Memory()
        self._has_slot = False
        self._left_open = False
        self._errors = 0

    @property
    def state(self) -> JobState | None:
        """The job's newest state as this worker knows it."""
        return self._services.view.state(self.partition, self.job_id)

    @property
    def inbox(self) -> Inbox:
        """The commands about the job that are not finished."""
        return self._calls.inbox

    def nudge(self) -> None:
        """Something about the job has changed: a command came in."""
        self._calls.nudge()

    def drain(self) -> None:
        """Stop at the next border: the worker is leaving."""
        self._calls.drain()

    def let_go(self) -> None:
        """Don't wait for the border any more: drop what is uncommitted, and release the job."""
        self._calls.let_go()

    async def run(self) -> None:
        """Does what there is to do. Cancelling it lets go at once, what is uncommitted is dropped."""
        try:
            while self._services.owns(self.partition) and not self._calls.draining:
                step = self._step()
                if step is Step.NOTHING:
                    return
                if step is Step.REMOVE_TOPIC and self.topic_gone:
                    return
                # What was left open is ended at once, without a slot: it hides the states of other jobs.
                if step is Step.EXTRACT and not self._left_open and not await self._wait_turn():
                    continue
                if step in (Step.EXPIRE, Step.REMOVE_TOPIC):
                    async with self._services.expiries:
                        await self._attempt(self._hold if step is Step.EXPIRE else self._remove_topic)
                    continue
                await self._attempt(self._hold)
                self._release_slot()
        finally:
            self._release_slot()
            self._services.results.forget(self.job_id)
            if self._fresh is not None:
                await self._fresh.transactor.close()

    def _step(self) -> Step:
        state = self.state
        if state is None:
            return Step.NOTHING
        return next_step(state, self.inbox, now_ms(), self._services.settings.max_tries)

    async def _wait_turn(self) -> bool:
        """True with a slot; False when something came in that goes before."""
        state = self.state
        if state is None:
            return False
        pause = 0.0 if self._memory.retaken else back_off(state.tries + 1, random.random())
        if pause and await self._calls.before(asyncio.sleep(pause)):
            return False
        waiting = Waiting(
            self.job_id, state.request.principal, small=self._is_small(state), suspect=is_suspect(state)
        )
        self._has_slot = not await self._calls.before(self._services.slots.acquire(waiting))
        return self._has_slot

    def _is_small(self, state: JobState) -> bool:
        return self._services.is_small(state.request)

    def _release_slot(self) -> None:
        self._services.slots.release(self.job_id)
        self._has_slot = False

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except BrokerError as error:
            self._services.count("holds lost")
            log.warning("job %s: %s; reading again", self.job_id, error)
            self._memory.retaken = True
            await asyncio.sleep(self._services.settings.heartbeat * (1.2 + random.random() / 2))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_asked_to_end():
                raise
            # An error of ours, or a cancellation that a library let out. The start counts as a try, so that a job that always
            # meets it ends as failed. One that comes before anything can be written is met again: less and less often.
            log.exception("job %s: unexpected error", self.job_id)
            self._memory.retaken, self._memory.broke = False, True
            self._errors += 1
            pause = back_off(self._errors, random.random())
            await self._calls.before(asyncio.sleep(max(self._services.settings.heartbeat, pause)))

    async def _hold(self) -> None:
        """Takes the job's id, reads to the end, and does one step after the other."""
        fresh, self._fresh = self._fresh, None
        transactor = fresh.transactor if fresh else await self._services.take(self.job_id)
        self._left_open, self.holds = False, True
        try:
            state = self.state if fresh else await self._read_state(transactor)
            if state is None:
                return
            carried = state if fresh else await self._read_log(transactor, state)
            writer = LogWriter(transactor, self._services.names, self.partition, self._services.view, carried)
            if carried is not state:
                # The state was lost: it repeats the log again before anything is decided.
                await writer.commit()
            hold = Hold(self._services, writer, self._calls, self._memory)
            await self._work(hold, unwritten=fresh is not None)
        finally:
            self._left_open, self.holds = transactor.is_open, False
            await transactor.close()

    async def _read_state(self, taken: Transactor) -> JobState | None:
        # A state that another worker left open is given up: the log has what it says, and what only it says is done again.
        jobs, known = self._services.names.jobs, self._services.view.offset(self.partition, self.job_id)
        await end_left_states(self._services.reader, taken, jobs, self.partition, known)
        await self._services.caught_up(jobs, self.partition)
        return self.state

    async def _read_log(self, taken: Transactor, state: JobState) -> JobState:
        """The state carried on over what stands behind it in the log, read to its end."""
        try:
            await end_left_log(self._services.reader, taken, state)
            found = await self._entries(state, max(0, state.end_offset - 1))
            if is_missing(state, found):
                log.warning("job %s: its log lacks what its state counts; going back", self.job_id)
                state = rewound(state)
                found = await self._entries(state, 0)
        except TopicGone:
            return state
        except TimeoutError as error:
            raise Retriable(f"{state.topic} could not be read to its end") from error
        return replay(state, found)

    async def _entries(self, state: JobState, start: int) -> list[Entry]:
        reader, deadline = self._services.reader, self._services.settings.broker_deadline
        records = read_to_end(reader, state.topic, 0, start, deadline=deadline)
        return [Entry(r.offset, r.timestamp, len(r.value or b""), decode(r.headers)) async for r in records]

    async def _work(self, hold: Hold, *, unwritten: bool) -> None:
        while True:
            self._calls.seen()
            step = hold.step()
            if step in (Step.NOTHING, Step.REMOVE_TOPIC) or (step is Step.EXTRACT and not self._has_slot):
                return
            if self._calls.draining:
                await hold.release()
                return
            if step is Step.EXTRACT:
                await Attempt(hold, at_once=unwritten and self._is_small(hold.state)).run()
                unwritten = False
            elif step is Step.AWAIT_RESULT:
                self._release_slot()
                # The processor reads the log as everybody does.
                await hold.markers_written()
                await hold.await_result()
            else:
                await hold.conclude(step)

    async def _remove_topic(self) -> None:
        # A state that nobody reads yet may come to nothing, and its job would stand without a log.
        await self._services.caught_up(self._services.names.jobs, self.partition)
        if not self._services.view.is_read(self.partition, self.job_id):
            raise Retriable(f"the end of job {self.job_id} has come to nothing")
        with suppress(TopicGone):
            await self._services.admin.delete_topics([self._services.names.job(self.job_id)])
        self.topic_gone = True
