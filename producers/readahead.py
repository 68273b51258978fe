"""Chunks of one job read ahead in parallel within a memory bound, and given out in order (design: "A transaction").

Rules:
1. What is held ahead of the writer is at most ``read_ahead_bytes``, whatever a chunk's size: a chunk flows through.
2. The chunk whose turn it is may always hand over one piece, so that the others' pieces can't block it for ever.
3. A failed read is repeated here as long as the writer has taken nothing of the chunk; afterwards the writer has to abort its
   transaction, so that the failure is handed on as :class:`ChunkBroken`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from catalogue.domain import Domain
from producers.chunks import chunk_of
from producers.encode import EncodedRows, drop_null_containers, encode_records
from producers.retry import Retries, RetryPolicy
from producers.settings import ProducerSettings
from producers.sources.protocol import Source, SourceError, SourceUnavailable
from schemas.ids import ContainerIds

log = logging.getLogger(__name__)


class ChunkBroken(Exception):
    """A chunk's source failed after the writer had taken a part of it; ``cause`` says why, ``chunk`` which."""

    def __init__(self, chunk: ChunkPlace, cause: SourceError) -> None:
        super().__init__(f"chunk {chunk.index} of {chunk.domain.name}: {cause}")
        self.chunk = chunk
        self.cause = cause


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """Which chunk: its ``index`` in its domain from 0, and whether it is the domain's last."""

    domain: Domain
    index: int
    last: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """Some encoded rows of a chunk, and how many rows were left out because their container ID is NULL."""

    rows: EncodedRows
    null_rows: int


class ReadAhead:
    """Reads ``plan`` in order, several chunks at a time. An async context manager; leaving it ends every read."""

    def __init__(
        self,
        source: Source,
        ids: ContainerIds,
        plan: Sequence[ChunkPlace] | Iterator[ChunkPlace],
        settings: ProducerSettings,
        scn: int | None,
    ) -> None:
        self._source = source
        self._ids = ids
        self._plan = iter(plan)
        self._settings = settings
        self._scn = scn
        self._reads: deque[_ChunkRead] = deque()
        self._held = 0
        self._closed = False
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> ReadAhead:
        self._start_reads()
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closed = True
        tasks = [read.task for read in self._reads]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def chunks(self) -> AsyncIterator[tuple[ChunkPlace, AsyncIterator[Piece]]]:
        """Each chunk with its pieces, in order. Raises SourceError or :class:`ChunkBroken` from the pieces."""
        while self._reads:
            head = self._reads[0]
            yield head.place, self._pieces(head)
            async with self._changed:
                self._reads.popleft()
                # The next one may hand over a piece now: it may be waiting with its first.
                self._changed.notify_all()
            self._start_reads()

    async def _pieces(self, read: _ChunkRead) -> AsyncIterator[Piece]:
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(read.pieces) or read.task.done())
                if not read.pieces:
                    break
                piece = read.pieces.popleft()
                read.handed = True
                read.held -= piece.rows.size
                self._held -= piece.rows.size
                self._changed.notify_all()
            yield piece
        error = read.task.exception()
        if isinstance(error, SourceError) and read.handed:
            raise ChunkBroken(read.place, error) from error
        if error is not None:
            raise error

    def _start_reads(self) -> None:
        """Keeps ``parallel_chunks`` reads going, and a few chunks that are read and wait for their turn."""
        parallel = self._settings.parallel_chunks
        while (
            not self._closed
            and sum(not read.task.done() for read in self._reads) < parallel
            and len(self._reads) < 4 * parallel
            and self._held < self._settings.read_ahead_bytes
        ):
            place = next(self._plan, None)
            if place is None:
                return
            read = _ChunkRead(place)
            read.task = asyncio.create_task(self._read(read))
            self._reads.append(read)

    async def _read(self, read: _ChunkRead) -> None:
        try:
            await self._read_with_retries(read)
        finally:
            # Behind this task's end, so that the next read sees it as done.
            asyncio.get_running_loop().call_soon(self._start_reads)
            async with self._changed:
                self._changed.notify_all()

    async def _read_with_retries(self, read: _ChunkRead) -> None:
        retries = Retries(RetryPolicy(attempts=self._settings.chunk_tries))
        while True:
            try:
                await self._read_once(read)
            except SourceError as error:
                wait = retries.wait(error)
                if wait is None or read.handed:
                    raise
                await self._take_back(read)
                place = read.place
                log.warning(
                    "chunk %d of %s is read again in %.1f s: %s", place.index, place.domain.name, wait, error
                )
                await asyncio.sleep(wait)
            else:
                return

    async def _read_once(self, read: _ChunkRead) -> None:
        domain = read.place.domain
        ids = chunk_of(self._ids, read.place.index, domain.chunk_size)
        rows = self._source.fetch_events_iter(ids, domain, self._settings.fetch_rows, snapshot=self._scn)
        left = domain.timeout_seconds or self._settings.chunk_timeout
        clock = asyncio.get_running_loop().time
        try:
            while True:
                begun = clock()
                try:
                    async with asyncio.timeout(left):
                        batch = await anext(rows, None)
                except TimeoutError:
                    raise SourceUnavailable(
                        f"A chunk of domain {domain.name} took longer than its time-out.",
                        code="timeout",
                        hint="Raise timeout_seconds of the domain or choose a smaller chunk_size.",
                    ) from None
                left -= clock() - begun
                if batch is None:
                    return
                kept, null_rows = drop_null_containers(batch, domain.container_column)
                encoded = await asyncio.to_thread(encode_records, kept)
                await self._put(read, Piece(encoded, null_rows))
        finally:
            await rows.aclose()

    async def _put(self, read: _ChunkRead, piece: Piece) -> None:
        size = piece.rows.size

        def has_room() -> bool:
            first = bool(self._reads) and self._reads[0] is read and not read.pieces
            return first or self._held + size <= self._settings.read_ahead_bytes

        async with self._changed:
            await self._changed.wait_for(has_room)
            read.pieces.append(piece)
            read.held += size
            self._held += size
            self._changed.notify_all()

    async def _take_back(self, read: _ChunkRead) -> None:
        async with self._changed:
            self._held -= read.held
            read.held = 0
            read.pieces.clear()
            self._changed.notify_all()


class _ChunkRead:
    """A chunk being read: its task, and the pieces that the writer has not yet taken."""

    task: asyncio.Task[None]

    def __init__(self, place: ChunkPlace) -> None:
        self.place = place
        self.pieces: deque[Piece] = deque()
        self.held = 0
        self.handed = False
