"""One job on its worker, from take-over to the end of its life here (design: "Who writes what", "States").

The theory: :func:`joblog.protocol.next_step` says what to do from the state and the commands; this module does it while it holds
the job's transactional id. Any trouble with Kafka has one answer, because being fenced proves nothing: let the id go, wait for more
than a heartbeat, look whether the partition is still ours, take the id again and read again. Jobs wait for a slot only
to extract; a cancel, a changed life or an expiry needs none.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from broker.errors import BrokerError, OffsetOutOfRange, Retriable, TopicGone
from catalogue.domain import Domain
from joblog.ends import read_to_end
from joblog.protocol import Inbox, Step, after_end, apply_ttls, back_off, next_step, replay, tries_at_start
from joblog.transactions import Transactor
from joblog.writer import LogWriter, now_ms
from producers.extraction import Extraction, ended
from producers.readahead import ChunkBroken
from producers.schedule import Waiting
from producers.services import Services
from producers.sources.protocol import SourceError
from schemas import messages
from schemas.headers import MessageHeaders, decode
from schemas.ids import ContainerIds
from schemas.jobs import JobState, Status
from schemas.problems import (
    AggregationFailed,
    CommandLost,
    JobProblem,
    ResultTimeout,
    SourceProblem,
    TriesExhausted,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FreshStart:
    """What admission has done ahead for a job that starts at once: its topic is new and so empty, and its id was taken before
    ``queued`` was committed. Whoever else takes the id does so later and fences this one; so there is nothing to read."""

    transactor: Transactor


class JobRun:
    """A job that has something to do. ``run`` ends when it has nothing more to do here, or when it has to let go."""

    def __init__(
        self, services: Services, partition: int, job_id: str, fresh: FreshStart | None = None
    ) -> None:
        self.partition = partition
        self.job_id = job_id
        self.inbox = Inbox()
        self.topic_gone = False
        # Whether it has the job's id now, and so sees to a transaction that is open under it.
        self.holds = False
        self._services = services
        self._fresh = fresh
        self._started_at: int | None = None
        self._scn: int | None = None
        self._nudge = asyncio.Event()
        self._draining = False
        self._letting_go = False
        self._retaken = False
        self._broke = False
        self._has_slot = False
        self._left_open = False
        self._broken_chunks: dict[tuple[str, int], int] = {}

    @property
    def state(self) -> JobState | None:
        """The job's newest state as this worker knows it."""
        return self._services.view.state(self.partition, self.job_id)

    def nudge(self) -> None:
        """Something about the job has changed: a command came in."""
        self._nudge.set()

    def drain(self) -> None:
        """Stop at the next border: the worker is leaving."""
        self._draining = True
        self._nudge.set()

    def let_go(self) -> None:
        """Don't wait for the border any more: drop what is uncommitted, and release the job."""
        self._letting_go = True
        self.drain()

    async def run(self) -> None:
        """Does what there is to do. Cancelling it lets go at once, what is uncommitted is dropped."""
        try:
            while self._services.owns(self.partition) and not self._draining:
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
        small = self._services.is_small(state.request)
        pause = 0.0 if self._retaken else back_off(state.tries + 1, random.random())
        if pause and await self._nudged(asyncio.sleep(pause)):
            return False
        turn = self._services.slots.acquire(Waiting(self.job_id, state.request.principal, small))
        self._has_slot = not await self._nudged(turn)
        return self._has_slot

    def _release_slot(self) -> None:
        self._services.slots.release(self.job_id)
        self._has_slot = False

    async def _nudged(self, work: Awaitable[Any]) -> bool:
        """Waits for ``work`` unless a command or the drain comes first: then it is cancelled, and the answer is True."""
        task = asyncio.ensure_future(work)
        nudge = asyncio.create_task(self._nudge.wait())
        try:
            await asyncio.wait({task, nudge}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            self._nudge.clear()
            return True
        await task
        return False

    async def _ended_early(self, work: Coroutine[Any, Any, bool], state: JobState) -> bool:
        """Waits for the extraction; when a cancel or delete comes in, or the job is let go, it is cancelled, and the
        answer is True.

        The drain and a changed life are seen to at the next border and don't cancel it.
        """
        task = asyncio.create_task(work)
        try:
            while not task.done():
                if self._letting_go or self.inbox.wants_end(state):
                    task.cancel()
                    await asyncio.wait({task})
                    return True
                nudge = asyncio.create_task(self._nudge.wait())
                try:
                    await asyncio.wait({task, nudge}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    nudge.cancel()
                self._nudge.clear()
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return False

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except BrokerError as error:
            self._services.count("holds lost")
            log.warning("job %s: %s; reading again", self.job_id, error)
            self._retaken = True
            await asyncio.sleep(self._services.settings.heartbeat * (1.2 + random.random() / 2))
        except Exception:
            # An error of ours: the start counts as a try, so that a job that always meets it ends as failed.
            log.exception("job %s: unexpected error", self.job_id)
            self._retaken, self._broke = False, True
            await asyncio.sleep(self._services.settings.heartbeat)

    async def _hold(self) -> None:
        """Takes the job's id, reads to the end, and does one step after the other."""
        fresh, self._fresh = self._fresh, None
        transactor = fresh.transactor if fresh else await self._services.take(self.job_id)
        self._left_open, self.holds = False, True
        try:
            state = self.state if fresh else await self._read_to_end()
            if state is None:
                return
            writer = LogWriter(transactor, self._services.names, self.partition, self._services.view, state)
            await self._work(writer, unwritten=fresh is not None)
        finally:
            self._left_open, self.holds = transactor.is_open, False
            await transactor.close()

    async def _read_to_end(self) -> JobState | None:
        await self._services.caught_up(self._services.names.jobs, self.partition)
        state = self.state
        return None if state is None else await self._read_log(state)

    async def _read_log(self, state: JobState) -> JobState:
        """The state carried on over what stands behind it in the log, read to its end."""
        records = read_to_end(
            self._services.reader,
            state.topic,
            0,
            state.end_offset,
            deadline=self._services.settings.broker_deadline,
        )
        try:
            found = [(r.offset, len(r.value or b""), decode(r.headers)) async for r in records]
        except TopicGone:
            return state
        except TimeoutError as error:
            raise Retriable(f"{state.topic} could not be read to its end") from error
        return replay(state, found)

    async def _work(self, writer: LogWriter, *, unwritten: bool) -> None:
        while True:
            self._nudge.clear()
            step = next_step(writer.state, self.inbox, now_ms(), self._services.settings.max_tries)
            if step in (Step.NOTHING, Step.REMOVE_TOPIC) or (step is Step.EXTRACT and not self._has_slot):
                return
            if self._draining:
                await self._release(writer)
                return
            if step is Step.EXTRACT:
                await self._extract(writer, unwritten=unwritten)
                unwritten = False
            elif step is Step.AWAIT_RESULT:
                self._release_slot()
                await self._await_result(writer)
            else:
                await self._conclude(step, writer)

    async def _conclude(self, step: Step, writer: LogWriter) -> None:
        if step is Step.CANCEL:
            elapsed = _elapsed(writer.state)
            await self._end(
                writer, Status.CANCELLED, messages.CANCELLED, messages.cancelled(elapsed_seconds=elapsed)
            )
        elif step is Step.GIVE_UP:
            await self._fail(writer, _exhausted(writer.state.tries))
        elif step is Step.APPLY_TTL:
            state = writer.state
            applied = after_end if state.ended else apply_ttls
            ttl, last = applied(state, self.inbox.pending(state))
            expires = None if state.ended_at is None else state.ended_at + (ttl or state.ttl) * 1000
            await writer.commit(ttl_seconds=ttl, last_command=last, expires_at=expires)
        elif step is Step.EXPIRE:
            pending = self.inbox.pending(writer.state)
            last = max((command.offset for command in pending), default=writer.state.last_command)
            deleted = any(command.kind == "delete" for command in pending)
            await writer.commit(status=Status.EXPIRED, last_command=last, deleted=deleted, problem=None)

    async def _extract(self, writer: LogWriter, *, unwritten: bool) -> None:
        """Extracts until the end, a command, the drain or a failure of the source."""
        try:
            ids = await self._prepare(
                writer, at_once=unwritten and self._services.is_small(writer.state.request)
            )
            extraction = Extraction(
                writer,
                self._services.source,
                self._domains(writer.state),
                ids,
                self._scn,
                self._services.settings,
                self._checkpoint_changes,
            )
            work = extraction.run(lambda: self._finish(writer, extraction), lambda: self._draining)
            if await self._ended_early(work, writer.state):
                await writer.abort()
        except ChunkBroken as broken:
            await writer.abort()
            await self._after_broken(writer, broken)
        except SourceError as error:
            await writer.abort()
            await self._fail(writer, SourceProblem(str(error), code=error.code))
        except JobProblem as problem:
            await writer.abort()
            await self._fail(writer, problem)

    def _domains(self, state: JobState) -> list[Domain]:
        catalogue = self._services.catalogue
        missing = [name for name in state.request.domains if name not in catalogue]
        if missing:
            raise SourceProblem(
                f"The worker's catalogue has no domain {missing[0]}: give all processes the same catalogue."
            )
        return [catalogue[name] for name in state.request.domains]

    async def _prepare(self, writer: LogWriter, *, at_once: bool) -> ContainerIds:
        """The topic made, the snapshot chosen, the IDs read, the attempt counted and stored.

        ``at_once``: a small job that was admitted here and never started stores its attempt with its first transaction.
        Were the worker to die before that, the job would be started once more than the tries say, and only once.
        """
        ids, _, snapshot, alive = await asyncio.gather(
            self._read_ids(writer.state),
            self._services.create_job_topic(self.job_id) if not at_once else _nothing(),
            self._snapshot(writer.state),
            self._holder_alive(writer.state),
        )
        state = writer.state
        self._started_at = state.started_at or now_ms()
        self._scn = snapshot
        tries = tries_at_start(state, retaken=self._retaken, holder_alive=alive)
        if tries > self._services.settings.max_tries:
            raise _exhausted(state.tries)
        self._services.count("starts")
        if not at_once:
            await writer.commit(status=Status.RUNNING, tries=tries, **self._checkpoint_changes(state))
        return ids

    async def _snapshot(self, state: JobState) -> int | None:
        return state.scn if state.started_at is not None else await self._services.source.snapshot()

    async def _holder_alive(self, state: JobState) -> bool:
        if state.status is Status.QUEUED or not state.holder:
            return False
        if state.holder == self._services.worker_id:
            # A partition that was given up and came back; an error of ours counts.
            return not self._broke
        return state.holder in await self._services.members()

    async def _read_ids(self, state: JobState) -> ContainerIds:
        topic, place, reader = self._services.names.commands, state.command, self._services.reader
        try:
            fetched = await reader.fetch(topic, place.partition, place.offset)
        except OffsetOutOfRange:
            if place.offset >= (await reader.offsets(topic, place.partition)).start:
                raise
            raise CommandLost(
                "The submit was removed from the log of commands before the job ran; submit it again."
            ) from None
        for batch in fetched.batches:
            for record in batch.records():
                if record.offset == place.offset and record.value is not None:
                    try:
                        return await asyncio.to_thread(ContainerIds.from_command, bytes(record.value))
                    except ValueError as error:
                        raise CommandLost(f"The submit can't be read: {error}") from error
        raise Retriable(f"{topic}/{place.partition} does not show the submit at {place.offset} now")

    def _checkpoint_changes(self, state: JobState) -> dict[str, Any]:
        ttl, last = apply_ttls(state, self.inbox.pending(state))
        return {
            "holder": self._services.worker_id,
            "ttl_seconds": ttl,
            "last_command": last,
            "started_at": self._started_at,
            "scn": self._scn,
        }

    async def _finish(self, writer: LogWriter, extraction: Extraction) -> None:
        """Ends the last transaction of the extraction: with the job, or with ``extracted`` where a result is awaited."""
        if writer.state.request.aggregation is not None:
            await extraction.checkpoint(status=Status.EXTRACTED)
            return
        records = sum(done.records for done in extraction.progress)
        line = messages.complete(elapsed_seconds=_elapsed(writer.state), total_records=records)
        await writer.append(line, MessageHeaders(messages.COMPLETE))
        await extraction.checkpoint(**self._ended(writer.state, Status.COMPLETE))

    def _ended(self, state: JobState, status: Status, **changes: Any) -> dict[str, Any]:
        ttl, last = after_end(state, self.inbox.pending(state))
        return ended(status, state, ttl or state.ttl, last_command=last, **changes)

    async def _await_result(self, writer: LogWriter) -> None:
        state, limit = writer.state, self._services.settings.result_timeout
        waiting = asyncio.ensure_future(self._services.results.wait(self.job_id, state.end_offset))
        try:
            async with asyncio.timeout(limit):
                if await self._nudged(waiting):
                    return
        except TimeoutError:
            problem = ResultTimeout(f"No processor answered within {limit:g} seconds; is one running?")
            await self._fail(writer, problem)
            return
        result = waiting.result()
        if result.problem is not None or result.data is None:
            detail = str((result.problem or {}).get("detail", "The processor gave no data."))
            await self._fail(writer, AggregationFailed(detail))
            return
        found = messages.aggregation(result.name, result.data)
        if len(found) > self._services.settings.record_bytes:
            detail = f"The aggregation has {len(found)} bytes, more than a message holds."
            await self._fail(writer, AggregationFailed(detail))
            return
        await writer.append(found, MessageHeaders(messages.AGGREGATION))
        records = sum(done.records for done in state.progress)
        line = messages.complete(elapsed_seconds=_elapsed(state), total_records=records)
        await self._end(writer, Status.COMPLETE, messages.COMPLETE, line)

    async def _fail(self, writer: LogWriter, problem: JobProblem) -> None:
        document = problem.document()
        log.warning("job %s failed: %s", self.job_id, problem.detail)
        await self._end(writer, Status.FAILED, messages.ERROR, messages.error(document), problem=document)

    async def _end(
        self, writer: LogWriter, status: Status, kind: str, terminal: bytes, **changes: Any
    ) -> None:
        """The terminal message and the terminal state in one transaction; a job that never ran gets ``meta`` before."""
        await self._services.create_job_topic(self.job_id)
        if writer.state.first_offset is None:
            await writer.append(
                messages.meta(writer.state.request, writer.state.scn), MessageHeaders(messages.META)
            )
        await writer.append(terminal, MessageHeaders(kind))
        await writer.commit(**self._ended(writer.state, status, **changes))

    async def _after_broken(self, writer: LogWriter, broken: ChunkBroken) -> None:
        place = (broken.chunk.domain.name, broken.chunk.index)
        times = self._broken_chunks[place] = self._broken_chunks.get(place, 0) + 1
        self._services.count("chunks read again")
        if not broken.cause.retryable or times >= self._services.settings.chunk_tries:
            await self._fail(writer, SourceProblem(str(broken.cause), code=broken.cause.code))
            return
        self._retaken = True
        await self._nudged(asyncio.sleep(back_off(times + 1, random.random())))

    async def _release(self, writer: LogWriter) -> None:
        """A clean release: the next start of the job does not count as a try."""
        if not writer.state.ended and writer.state.status is not Status.QUEUED and writer.state.holder:
            await writer.commit(holder="")

    async def _remove_topic(self) -> None:
        with suppress(TopicGone):
            await self._services.admin.delete_topics([self._services.names.job(self.job_id)])
        self.topic_gone = True


def _exhausted(tries: int) -> TriesExhausted:
    return TriesExhausted(
        f"The job was started {tries} times and never got on; submit it again.", tries=tries
    )


def _elapsed(state: JobState) -> float:
    return (now_ms() - (state.started_at or state.request.submitted_at)) / 1000


async def _nothing() -> None:
    return None
