"""The reference job of the demo: submitted, read live, replayed, compared with SQL, and shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from catalogue.domain import Domain
from catalogue.loader import load_catalogue
from tracestream.checks import Check, SourceCount, compare, compare_aggregation, compare_pages, count_by_sql
from tracestream.data import container_ids
from tracestream.exits import CommandError
from tracestream.remote import connect
from tracestream.show import Bar, Show, amount
from tracestream.stack import Stack
from tracestream.tally import Tally
from tracestream_client import AsyncClient, TracestreamError

DOMAINS = ("history", "materials")
AGGREGATION = "msd"
_POLL = 0.3
_PATIENCE = 120.0


class ReferenceJob:
    """One run of the job against ``stack``."""

    def __init__(self, stack: Stack, show: Show) -> None:
        if stack.duckdb is None:
            raise CommandError("The reference job needs the demo data.")
        self._file: Path = stack.duckdb
        self._url = stack.url
        self._show = show
        catalogue = load_catalogue()
        self._domains: list[Domain] = [catalogue[name] for name in DOMAINS]
        self._wanted: dict[str, SourceCount] = {}
        self._chunks = 0
        self._good = True

    async def run(self) -> tuple[bool, str]:
        """Whether everything agreed, and the job's id. Raises CommandError."""
        ids = await asyncio.to_thread(lambda: list(container_ids(self._file)))
        self._chunks = sum(-(-len(ids) // domain.chunk_size) for domain in self._domains)
        self._wanted = await asyncio.to_thread(count_by_sql, self._file, self._domains, ids)
        async with connect(self._url, _PATIENCE, self._show.line) as client:
            job_id = await self._submit(client, ids)
            self._show.heading("Live: the stream is read while the job writes it")
            live = await self._read(client, job_id, live=True)
            self._show.heading("Replay: the same stream again, from offset 0")
            replay = await self._read(client, job_id, live=False)
            self._show.heading("Compared with SQL over the source")
            self._tell(compare(replay, self._wanted))
            same = live.digest == replay.digest
            self._tell([Check("live and replay are the same, byte for byte (SHA-256)", same)])
            self._tell(await compare_pages(client, job_id, self._wanted))
            self._tell([await asyncio.to_thread(compare_aggregation, self._file, ids, replay.aggregation)])
        return self._good, job_id

    async def _submit(self, client: AsyncClient, ids: list[str]) -> str:
        self._show.heading(f"Job: {len(ids):,} containers × {', '.join(DOMAINS)}, aggregation {AGGREGATION}")
        begun = time.perf_counter()
        answer = await client.submit(ids, DOMAINS, aggregation=AGGREGATION)
        took = time.perf_counter() - begun
        job_id = str(answer["job_id"])
        self._show.line(f"{job_id} accepted in {took * 1000:.0f} ms", good=True)
        return job_id

    async def _read(self, client: AsyncClient, job_id: str, *, live: bool) -> Tally:
        """Reads the stream from its beginning to its end and counts it."""
        tally = Tally({domain.name: domain.container_column for domain in self._domains})
        bars = _Bars(self._show, self._wanted, self._chunks if live else None)
        begun = time.perf_counter()
        poll = asyncio.create_task(bars.follow_state(client, job_id)) if live else None
        try:
            async with client.lines(job_id) as lines:
                async for line in lines:
                    tally.add(line)
                    bars.update(tally, time.perf_counter() - begun)
            seconds = time.perf_counter() - begun
            if live:
                await bars.show_state(client, job_id)
        finally:
            if poll is not None:
                poll.cancel()
                await asyncio.wait({poll})
            bars.finish()
        rate = tally.bytes / 1e6 / seconds
        self._show.line(
            f"{tally.records:,} records in {tally.lines:,} lines, {amount(tally.bytes, 'bytes')}, "
            f"read and checked in {seconds:.1f} s: {rate:,.0f} MB/s",
            good=True,
        )
        return tally

    def _tell(self, checks: list[Check]) -> None:
        for check in checks:
            self._show.line(check.text, good=check.good)
            self._good &= check.good


class _Bars:
    """Chunks by what the job's state says, records and bytes by what was read."""

    def __init__(self, show: Show, wanted: Mapping[str, SourceCount], chunks: int | None) -> None:
        self._total_chunks = chunks
        self._records = {name: source.total for name, source in wanted.items()}
        self._chunks: Bar | None = show.bar("chunks in the log", "chunks", chunks) if chunks else None
        self._domains = {name: show.bar(f"{name} read", "records", n) for name, n in self._records.items()}
        self._bytes = show.bar("bytes read", "bytes")

    def update(self, tally: Tally, seconds: float) -> None:
        for name, domain in tally.domains.items():
            self._domains[name].update(domain.records, self._records[name])
        rate = tally.bytes / 1e6 / seconds if seconds else 0
        self._bytes.update(tally.bytes, note=f"{rate:,.0f} MB/s")

    async def follow_state(self, client: AsyncClient, job_id: str) -> None:
        while True:
            with suppress(TracestreamError):
                await self.show_state(client, job_id)
            await asyncio.sleep(_POLL)

    async def show_state(self, client: AsyncClient, job_id: str) -> None:
        """How far the job itself is: a reader may be behind it."""
        state = await client.status(job_id)
        eta = state["progress"]["eta_seconds"]
        note = str(state["status"]) + (f", about {eta:.0f} s left" if eta else "")
        if self._chunks is not None:
            self._chunks.update(state["progress"]["chunks"], self._total_chunks, note)

    def finish(self) -> None:
        for bar in (self._chunks, *self._domains.values(), self._bytes):
            if bar is not None:
                bar.finish()
