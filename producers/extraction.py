"""The source's rows become the job's log: messages cut, transactions of whole chunks, the checkpoint with each (design: "A
transaction", "The job topic").

A transaction ends at the first chunk border behind 16 MiB or 1 s; the job's first holds the first chunk alone, so that the first
lines come soon. A chunk flows into the open transaction as it is read. When its source fails on the way, the
transaction is aborted and everything since the checkpoint is read again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from catalogue.domain import Domain
from joblog.writer import LogWriter
from producers.batching import BatchCutter, RecordsMessage
from producers.chunks import chunk_count
from producers.readahead import ChunkPlace, Piece, ReadAhead
from producers.retry import RetryPolicy, retried
from producers.settings import ProducerSettings
from producers.sources.protocol import Source
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.ids import ContainerIds
from schemas.jobs import DomainProgress, JobState, Status
from schemas.problems import JobTooLarge

log = logging.getLogger(__name__)


class Extraction:
    """Carries one job from its checkpoint to the end of its last domain. ``state`` of the writer is the checkpoint."""

    def __init__(
        self,
        writer: LogWriter,
        source: Source,
        domains: Sequence[Domain],
        ids: ContainerIds,
        scn: int | None,
        settings: ProducerSettings,
        checkpoint_changes: Callable[[JobState], dict[str, Any]],
        got_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._writer = writer
        self._source = source
        begun = {done.domain: done for done in writer.state.progress}
        self._domains = {domain.name: _as_begun(domain, begun[domain.name]) for domain in domains}
        self._ids = ids
        self._scn = scn
        self._settings = settings
        self._checkpoint_changes = checkpoint_changes
        self._got_on = got_on
        self._cutter: BatchCutter | None = None
        # When the first rows since the last commit came: they may wait long for their message to be full.
        self._since: float | None = None
        self._first = writer.state.first_offset is None
        self._open = {
            name: msgspec.structs.replace(
                begun[name],
                chunk_size=domain.chunk_size,
                total_chunks=chunk_count(len(ids), domain.chunk_size),
            )
            for name, domain in self._domains.items()
        }

    def plan(self) -> Iterator[ChunkPlace]:
        """The chunks that are still to be read, in order."""
        for name, domain in self._domains.items():
            done = self._open[name]
            for index in range(done.chunks, done.total_chunks):
                yield ChunkPlace(domain, index, last=index == done.total_chunks - 1)

    async def run(self, finish: Callable[[], Awaitable[None]], should_stop: Callable[[], bool]) -> bool:
        """Extracts until the last domain has ended, then calls ``finish`` to end the same transaction; True when it came to that.

        Returns False at a chunk border, everything committed, once ``should_stop`` says so. Raises SourceError, ChunkBroken,
        JobProblem (a record or the job is too large) and BrokerError; the caller then aborts.
        """
        async with ReadAhead(self._source, self._ids, list(self.plan()), self._settings, self._scn) as ahead:
            self._say_where()
            await self._open_log()
            async for place, pieces in ahead.chunks():
                await self._start_domain(place.domain)
                await self._write_chunk(place, pieces)
                if place.last:
                    await self._end_domain(place.domain)
                if place.last and place.domain.name == next(reversed(self._domains)):
                    break
                if self._transaction_is_full() or should_stop():
                    await self._flush(place)
                    await self.checkpoint()
                    if should_stop():
                        return False
        await finish()
        return True

    def _say_where(self) -> None:
        """Tells whoever reads the log how much of a job that goes on is read again: what was begun behind this place, which is
        at most the chunks of one transaction and those that were read ahead of it."""
        place = None if self._first else next(self.plan(), None)
        if place is not None:
            job_id, total = self._writer.state.job_id, self._open[place.domain.name].total_chunks
            log.info(
                "job %s: goes on at chunk %d of %d of %s", job_id, place.index + 1, total, place.domain.name
            )

    async def _open_log(self) -> None:
        if self._first:
            line = messages.meta(self._writer.state.request, self._scn)
            await self._writer.append(line, MessageHeaders(messages.META))

    async def _start_domain(self, domain: Domain) -> None:
        done = self._open[domain.name]
        if done.started:
            return
        policy = RetryPolicy(attempts=self._settings.chunk_tries)
        found = await retried(lambda: self._source.columns(domain), policy)
        columns = [column.document() for column in found]
        line = messages.domain_start(domain.name, total_chunks=done.total_chunks, columns=columns)
        await self._writer.append(line, MessageHeaders(messages.DOMAIN_START, domain.name, next_chunk=0))
        self._note(domain, started=True)

    async def _write_chunk(self, place: ChunkPlace, pieces: AsyncIterator[Piece]) -> None:
        cutter = self._cutter_for(place.domain)
        async for piece in pieces:
            self._since = self._since or time.monotonic()
            if piece.null_rows:
                done = self._open[place.domain.name]
                self._note(place.domain, null_rows=done.null_rows + piece.null_rows)
            for message in cutter.add(piece.rows):
                await self._append(place, message, next_chunk=place.index)
        self._note(place.domain, chunks=place.index + 1)

    async def _end_domain(self, domain: Domain) -> None:
        done = self._open[domain.name]
        await self._flush(ChunkPlace(domain, done.total_chunks - 1, last=True))
        done = self._open[domain.name]
        line = messages.domain_end(
            domain.name,
            total_records=done.records,
            total_batches=done.batches,
            null_container_rows=done.null_rows,
        )
        headers = MessageHeaders(
            messages.DOMAIN_END, domain.name, count=done.records, next_chunk=done.total_chunks
        )
        await self._writer.append(line, headers)
        self._note(domain, ended=True)
        self._cutter = None

    def _cutter_for(self, domain: Domain) -> BatchCutter:
        if self._cutter is None:
            done = self._open[domain.name]
            self._cutter = BatchCutter(
                domain.name,
                max_records=min(self._writer.state.request.batch_size, self._settings.batch_size),
                max_bytes=self._settings.batch_bytes,
                max_record_bytes=self._settings.record_bytes,
                next_batch=done.batches + 1,
                next_record=done.records,
                container_column=domain.container_column,
            )
        return self._cutter

    async def _flush(self, place: ChunkPlace) -> None:
        if self._cutter is not None:
            for message in self._cutter.flush():
                await self._append(place, message, next_chunk=place.index + 1)

    async def _append(self, place: ChunkPlace, message: RecordsMessage, next_chunk: int) -> None:
        headers = MessageHeaders(
            messages.RECORDS, place.domain.name, message.batch, message.first, message.count, next_chunk
        )
        await self._writer.append(message.value, headers)
        done = self._open[place.domain.name]
        self._note(
            place.domain,
            batches=message.batch,
            records=message.first + message.count,
            bytes=done.bytes + len(message.value),
        )
        if sum(done.bytes for done in self._open.values()) > self._settings.job_bytes:
            raise JobTooLarge(
                f"The answer is larger than {self._settings.job_bytes} bytes: ask for fewer containers or domains.",
                limit=self._settings.job_bytes,
            )

    def _note(self, domain: Domain, **changes: Any) -> None:
        self._open[domain.name] = msgspec.structs.replace(self._open[domain.name], **changes)

    def _transaction_is_full(self) -> bool:
        writer = self._writer
        held = 0.0 if self._since is None else time.monotonic() - self._since
        return (
            self._first
            or writer.open_bytes >= self._settings.transaction_bytes
            or max(writer.open_seconds, held) >= self._settings.transaction_seconds
        )

    @property
    def progress(self) -> tuple[DomainProgress, ...]:
        """How far the open transaction is."""
        return tuple(self._open.values())

    async def checkpoint(self, **changes: Any) -> None:
        """Commits the open transaction: what it added is then in the log for good, and the tries begin anew."""
        own = self._checkpoint_changes(self._writer.state)
        await self._writer.commit(
            **{"status": Status.RUNNING, "progress": self.progress, "tries": 0, **own, **changes}
        )
        self._first, self._since = False, None
        self._got_on()


def _as_begun(domain: Domain, done: DomainProgress) -> Domain:
    """The domain in the chunks that its progress counts: the catalogue may have changed since the job began."""
    return replace(domain, chunk_size=done.chunk_size) if done.chunk_size else domain
