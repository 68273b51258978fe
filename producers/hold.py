"""A job while its transactional id is held: how it ends, changes its life, waits for its result, and is released.

Everything here is one transaction under the job's id, after fence and read (design: "Who writes what"); the changes of the
state come from :mod:`joblog.protocol`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from broker.errors import Retriable, TopicGone
from joblog import protocol
from joblog.hanging import is_counted_there
from joblog.protocol import Step
from joblog.writer import LogWriter, now_ms
from producers.interruptions import Interruptions
from producers.services import Services
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.jobs import JobState, Status
from schemas.problems import AggregationFailed, JobProblem, ResultTimeout, TriesExhausted
from schemas.results import Result

log = logging.getLogger(__name__)

_MARKER_PAUSE = 0.01


@dataclass(slots=True)
class Memory:
    """What a run remembers from one hold of its job to the next.

    ``retaken``: it had the job already, so that the next start is no try. ``broke``: the last hold ended with an error of
    ours. ``broken_chunks`` counts how often a chunk broke, by domain and index. ``snapshots_lost`` counts how often the job
    had to choose another snapshot. ``result_until`` is when the wait for the result ends, on the event loop's clock.
    """

    retaken: bool = False
    broke: bool = False
    broken_chunks: dict[tuple[str, int], int] = field(default_factory=dict)
    snapshots_lost: int = 0
    result_until: float | None = None


@dataclass(slots=True)
class Hold:
    """One hold. Every method raises ``BrokerError``; the hold is then worth nothing."""

    services: Services
    writer: LogWriter
    calls: Interruptions
    memory: Memory

    @property
    def state(self) -> JobState:
        """The state that was committed last."""
        return self.writer.state

    @property
    def job_id(self) -> str:
        return self.state.job_id

    def step(self) -> Step:
        """What is to be done now."""
        return protocol.next_step(self.state, self.calls.inbox, now_ms(), self.services.settings.max_tries)

    async def conclude(self, step: Step) -> None:
        """Does a step that is one transaction: the end of the job, a changed life, ``expired``."""
        pending = self.calls.inbox.pending(self.state)
        if step is Step.CANCEL:
            line = messages.cancelled(elapsed_seconds=elapsed(self.state))
            await self._end(Status.CANCELLED, messages.CANCELLED, line)
        elif step is Step.GIVE_UP:
            await self.fail(exhausted(self.state.tries))
        elif step is Step.APPLY_TTL:
            await self.writer.commit(**protocol.applied(self.state, pending))
        elif step is Step.EXPIRE:
            await self.writer.commit(**protocol.expired(self.state, pending))

    async def await_result(self) -> None:
        """Ends the job with the processor's result, or as failed when none comes in time; returns early when something
        comes in. The time runs from the first wait of this run: nothing that comes in starts it anew."""
        clock, settings = asyncio.get_running_loop().time, self.services.settings
        if self.memory.result_until is None:
            self.memory.result_until = clock() + settings.result_timeout
        waiting = asyncio.ensure_future(self.services.results.wait(self.job_id, self.state.end_offset))
        try:
            async with asyncio.timeout_at(self.memory.result_until):
                if await self.calls.before(waiting):
                    return
        except TimeoutError:
            await self.fail(
                ResultTimeout(
                    f"No processor answered within {settings.result_timeout:g} seconds; is one running?"
                )
            )
            return
        await self._take_result(waiting.result())

    async def _take_result(self, result: Result) -> None:
        if result.problem is not None or result.data is None:
            detail = str((result.problem or {}).get("detail", "The processor gave no data."))
            await self.fail(AggregationFailed(detail))
            return
        found = messages.aggregation(result.name, result.data)
        if len(found) > self.services.settings.record_bytes:
            detail = f"The aggregation has {len(found)} bytes, more than a message holds."
            await self.fail(AggregationFailed(detail))
            return
        await self.writer.append(found, MessageHeaders(messages.AGGREGATION))
        await self._end(Status.COMPLETE, messages.COMPLETE, self.complete_line())

    def complete_line(self, records: int | None = None) -> bytes:
        """The terminal message of a job of so many records; by default as many as the state counts."""
        if records is None:
            records = sum(done.records for done in self.state.progress)
        return messages.complete(elapsed_seconds=elapsed(self.state), total_records=records)

    def ended(self, status: Status) -> dict[str, Any]:
        """The changes that end the job now, with the commands that have come in."""
        return protocol.ended(self.state, status, self.calls.inbox.pending(self.state), now_ms())

    async def fail(self, problem: JobProblem) -> None:
        """Ends the job as failed, with the problem in the log and in the state."""
        document = problem.document()
        log.warning("job %s failed: %s", self.job_id, problem.detail)
        await self._end(Status.FAILED, messages.ERROR, messages.error(document), problem=document)

    async def _end(self, status: Status, kind: str, terminal: bytes, **changes: Any) -> None:
        """The terminal message and the terminal state in one transaction; a job that never ran gets ``meta`` before."""
        writer = self.writer
        await self.services.create_job_topic(self.job_id)
        if self.state.first_offset is None:
            await writer.append(
                messages.meta(self.state.request, self.state.scn), MessageHeaders(messages.META)
            )
        await writer.append(terminal, MessageHeaders(kind))
        await writer.commit(**self.ended(status), **changes)

    async def abort(self) -> None:
        """Drops what was appended since the last commit: no reader ever sees it.

        Raises Retriable when Kafka left its marker out, because the next commit would bring it back, and when its marker ended what
        was committed before it too (:mod:`joblog.hanging`).
        """
        was_open = self.writer.is_open
        await self.writer.abort()
        if not was_open:
            return
        await self.markers_written()
        with suppress(TopicGone):
            if not await is_counted_there(self.services.reader, self.state):
                raise Retriable(f"{self.state.topic} lacks what the state counts")

    async def markers_written(self) -> None:
        """Returns when nothing stands open in the log any more: the markers are written behind Kafka's answer.

        Raises Retriable when they are not.
        """
        reader, topic = self.services.reader, self.state.topic
        try:
            async with asyncio.timeout(self.services.settings.broker_deadline):
                while (await reader.offsets(topic, 0)).has_open:  # noqa: ASYNC110
                    await asyncio.sleep(_MARKER_PAUSE)
        except TopicGone:
            return
        except TimeoutError:
            raise Retriable(f"a transaction that has ended still stands open in {topic}") from None

    async def release(self) -> None:
        """A clean release: the next start of the job does not count as a try."""
        if not self.state.ended and self.state.status is not Status.QUEUED and self.state.holder:
            await self.writer.commit(holder="")


def exhausted(tries: int) -> TriesExhausted:
    return TriesExhausted(
        f"The job was started {tries} times and never got on; submit it again.", tries=tries
    )


def elapsed(state: JobState) -> float:
    """Seconds since the job was started, or submitted when it never was."""
    return (now_ms() - (state.started_at or state.request.submitted_at)) / 1000
