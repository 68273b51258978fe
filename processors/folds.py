"""The folds of one processor: which jobs of its partitions are folded, waiting, or done (design: "What faust does and does not").

Rules:
1. Whoever tells of a job never waits for its fold: a fold is a task of its own.
2. An acknowledged event is not repeated. So at every assignment ``trace.jobs`` is read, committed, to the high watermark as
   of then, and every unfinished job of it is taken up; events before that watermark say nothing new and are passed over.
3. Folds go on through a rebalance. Those of partitions that did not come back stop; whoever has them now starts anew.
4. A state in an event may belong to a transaction that is aborted later. It makes a fold look at the log, and a new job wait for
   a slot; it never ends a fold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress

import msgspec

from broker.errors import BrokerError
from joblog.ends import read_to_end
from processors.fold import Fold, FoldServices
from processors.schedule import Schedule
from schemas.jobs import JobState, Status, decode_state

log = logging.getLogger(__name__)

_PAUSE = 0.5


class Folds:
    """Takes in assignments and states, and folds at most ``slots`` jobs at once. ``deadline`` in seconds a partition's reading."""

    def __init__(self, services: FoldServices, slots: int, deadline: float) -> None:
        self._services = services
        self._deadline = deadline
        self._schedule = Schedule(slots)
        self._states: dict[str, tuple[int, JobState]] = {}
        """Partition and a state of each job that waits or runs."""
        self._folds: dict[str, Fold] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._done: dict[str, int] = {}
        """Jobs with a result of ours that have not ended yet, each with its partition."""
        self._known_from: dict[int, int | None] = {}
        """From which offset on the events of a partition are news; None while that is being found out."""
        self._readings: dict[int, asyncio.Task[None]] = {}

    def assign(self, partitions: Collection[int]) -> None:
        """These are the partitions from now on, and no others."""
        for partition in [each for each in self._known_from if each not in partitions]:
            del self._known_from[partition]
            self._cancel_reading(partition)
        for job_id, (partition, _) in list(self._states.items()):
            if partition not in partitions:
                self._let_go(job_id)
        self._done = {job_id: at for job_id, at in self._done.items() if at in partitions}
        for partition in partitions:
            self._cancel_reading(partition)
            self._known_from[partition] = None
            self._readings[partition] = asyncio.create_task(self._take_up(partition))

    def event(self, partition: int, offset: int, value: bytes | None) -> None:
        """A record of ``trace.jobs`` that may not be committed."""
        known_from = self._known_from.get(partition)
        if known_from is None or offset < known_from or value is None:
            return
        with suppress(msgspec.MsgspecError):
            self._note(partition, decode_state(value))

    async def stop(self) -> None:
        """Ends everything; nothing is published afterwards."""
        tasks = [*self._readings.values(), *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_up(self, partition: int) -> None:
        """Starts every unfinished job of a partition; repeated until the partition was read to its end."""
        reader, topic = self._services.reader, self._services.names.jobs
        while True:
            try:
                offsets = await reader.offsets(topic, partition)
                self._known_from[partition] = offsets.end
                latest: dict[str, JobState] = {}
                async for record in read_to_end(
                    reader, topic, partition, offsets.start, deadline=self._deadline
                ):
                    job_id = (record.key or b"").decode("ascii", "replace")
                    latest.pop(job_id, None)
                    with suppress(msgspec.MsgspecError):
                        if record.value is not None and _is_wanted(state := decode_state(record.value)):
                            latest[job_id] = state
                break
            except (BrokerError, TimeoutError) as error:
                log.warning("partition %d of %s can't be read now: %s", partition, topic, error or "time-out")
                await asyncio.sleep(_PAUSE)
        for state in latest.values():
            self._note(partition, state)

    def _note(self, partition: int, state: JobState) -> None:
        job_id = state.job_id
        if job_id in self._folds:
            self._folds[job_id].look()
        if state.ended:
            self._done.pop(job_id, None)
        if not _is_wanted(state) or job_id in self._done:
            return
        self._states[job_id] = (partition, state)
        self._schedule.note(job_id, growing=state.status is not Status.EXTRACTED)
        self._start_next()

    def _start_next(self) -> None:
        while (job_id := self._schedule.start_next()) is not None:
            _, state = self._states[job_id]
            self._folds[job_id] = Fold(self._services, state)
            self._tasks[job_id] = asyncio.create_task(self._run(job_id, self._folds[job_id]))

    async def _run(self, job_id: str, fold: Fold) -> None:
        log.info("job %s: fold begins", job_id)
        published = False
        try:
            published = await fold.run()
        except Exception:
            log.exception("job %s: the fold broke off", job_id)
            # The next state of the job, or the next assignment, starts it again.
        log.info("job %s: %s", job_id, "result published" if published else "no result is needed")
        if self._folds.get(job_id) is fold:
            partition, _ = self._states[job_id]
            if published:
                self._done[job_id] = partition
            self._forget(job_id)
            self._start_next()

    def _let_go(self, job_id: str) -> None:
        """The job belongs to another processor now."""
        task = self._tasks.get(job_id)
        self._forget(job_id)
        if task is not None:
            log.info("job %s: fold let go", job_id)
            task.cancel()

    def _forget(self, job_id: str) -> None:
        self._schedule.drop(job_id)
        self._states.pop(job_id, None)
        self._folds.pop(job_id, None)
        self._tasks.pop(job_id, None)

    def _cancel_reading(self, partition: int) -> None:
        reading = self._readings.pop(partition, None)
        if reading is not None:
            reading.cancel()


def _is_wanted(state: JobState) -> bool:
    """Whether a job with this state has a log to be folded. A queued one has none yet."""
    return state.request.aggregation is not None and not state.ended and state.status is not Status.QUEUED
