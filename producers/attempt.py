"""One attempt to extract a held job from its checkpoint on: prepared, counted, and ended in one of five ways.

It ends with the last record in the log, at a border because of the drain, without a border because of a cancel, with a chunk
that has to be read again, or with the job failed. What is uncommitted then is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Any

from broker.errors import OffsetOutOfRange, Retriable
from catalogue.domain import Domain
from joblog.protocol import apply_ttls, back_off, tries_at_start
from joblog.writer import now_ms
from producers.extraction import Extraction
from producers.hold import Hold, exhausted
from producers.readahead import ChunkBroken
from producers.retry import RetryPolicy, retried
from producers.sources.protocol import SnapshotLost, SourceError
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.ids import ContainerIds
from schemas.jobs import JobState, Status
from schemas.problems import CommandLost, JobProblem, SourceProblem

log = logging.getLogger(__name__)

_SNAPSHOTS = 3
"""Snapshots that a job tries to begin with."""


class Attempt:
    """``run`` it once. ``at_once``: a small job that was admitted here and never started stores its attempt with its first
    transaction. Were the worker to die before that, the job would be started once more than the tries say, and only once.
    """

    def __init__(self, hold: Hold, *, at_once: bool) -> None:
        self._hold = hold
        self._services = hold.services
        self._writer = hold.writer
        self._at_once = at_once
        self._started_at: int | None = None
        self._scn: int | None = None

    async def run(self) -> None:
        """Extracts until the end, a command, the drain or a failure of the source. Raises ``BrokerError``."""
        hold, writer = self._hold, self._writer
        try:
            if await hold.calls.stopped(self._extract(), lambda: writer.state):
                await hold.abort()
        except ChunkBroken as broken:
            await hold.abort()
            await self._after_broken(broken)
        except SourceError as error:
            await hold.abort()
            if not self._begins_anew(error):
                await hold.fail(SourceProblem(str(error), code=error.code))
        except JobProblem as problem:
            await hold.abort()
            await hold.fail(problem)

    async def _extract(self) -> None:
        ids = await self._prepare()
        extraction = Extraction(
            self._writer,
            self._services.source,
            self._domains(),
            ids,
            self._scn,
            self._services.settings,
            self._checkpoint_changes,
            lambda: self._services.slots.got_on(self._hold.job_id),
        )
        await extraction.run(lambda: self._finish(extraction), lambda: self._hold.calls.draining)

    def _domains(self) -> list[Domain]:
        catalogue, wanted = self._services.catalogue, self._writer.state.request.domains
        missing = [name for name in wanted if name not in catalogue]
        if missing:
            raise SourceProblem(
                f"The worker's catalogue has no domain {missing[0]}: give all processes the same catalogue."
            )
        return [catalogue[name] for name in wanted]

    async def _prepare(self) -> ContainerIds:
        """The topic made, the snapshot chosen, the IDs read, the attempt counted and stored."""
        services, state = self._services, self._writer.state
        if self._hold.memory.broke:
            # An error of ours ended the last attempt, perhaps before it was counted: this one is counted first of all.
            tries = self._counted(tries_at_start(state, retaken=False, holder_alive=False))
            state = await self._writer.commit(tries=tries, holder=services.worker_id)
        ids, _, self._scn, alive = await asyncio.gather(
            self._read_ids(state),
            services.create_job_topic(state.job_id) if not self._at_once else _nothing(),
            self._snapshot(state),
            self._holder_alive(state),
        )
        self._started_at = state.started_at or now_ms()
        counted = self._hold.memory.broke or self._hold.memory.retaken
        tries = self._counted(tries_at_start(state, retaken=counted, holder_alive=alive))
        services.count("starts")
        if not self._at_once:
            await self._writer.commit(status=Status.RUNNING, tries=tries, **self._checkpoint_changes(state))
        self._hold.memory.broke = False
        return ids

    def _counted(self, tries: int) -> int:
        if tries > self._services.settings.max_tries:
            raise exhausted(self._writer.state.tries)
        return tries

    async def _snapshot(self, state: JobState) -> int | None:
        """What names the state of the data that the job reads: chosen at its first start, and kept from its first line on."""
        lost = self._hold.memory.snapshots_lost and state.first_offset is None
        if state.started_at is not None and not lost:
            return state.scn
        policy = RetryPolicy(attempts=self._services.settings.chunk_tries)
        return await retried(self._services.source.snapshot, policy)

    async def _holder_alive(self, state: JobState) -> bool:
        if state.status is Status.QUEUED or not state.holder:
            return False
        if state.holder == self._services.worker_id:
            # A partition that was given up and came back.
            return True
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
        ttl, last = apply_ttls(state, self._hold.calls.inbox.pending(state))
        return {
            "holder": self._services.worker_id,
            "ttl_seconds": ttl,
            "last_command": last,
            "started_at": self._started_at,
            "scn": self._scn,
        }

    async def _finish(self, extraction: Extraction) -> None:
        """Ends the last transaction of the extraction: with the job, or with ``extracted`` where a result is awaited."""
        if self._writer.state.request.aggregation is not None:
            await extraction.checkpoint(status=Status.EXTRACTED)
            return
        line = self._hold.complete_line(sum(done.records for done in extraction.progress))
        await self._writer.append(line, MessageHeaders(messages.COMPLETE))
        await extraction.checkpoint(**self._hold.ended(Status.COMPLETE))

    def _begins_anew(self, cause: SourceError) -> bool:
        """Whether the job may choose another snapshot: as long as its log is empty nobody has seen anything of the lost one."""
        memory = self._hold.memory
        if not isinstance(cause, SnapshotLost) or self._writer.state.first_offset is not None:
            return False
        memory.snapshots_lost += 1
        memory.retaken = True
        return memory.snapshots_lost < _SNAPSHOTS

    async def _after_broken(self, broken: ChunkBroken) -> None:
        memory, place = self._hold.memory, (broken.chunk.domain.name, broken.chunk.index)
        times = memory.broken_chunks[place] = memory.broken_chunks.get(place, 0) + 1
        self._services.count("chunks read again")
        if self._begins_anew(broken.cause):
            return
        if not RetryPolicy(attempts=self._services.settings.chunk_tries).allows(broken.cause, times):
            await self._hold.fail(SourceProblem(str(broken.cause), code=broken.cause.code))
            return
        memory.retaken = True
        wait = back_off(times + 1, random.random())
        log.warning("job %s goes back to its checkpoint in %.1f s: %s", self._hold.job_id, wait, broken)
        await self._hold.calls.before(asyncio.sleep(wait))


async def _nothing() -> None:
    return None
