"""Writes a job's log and states as a worker would, with made-up records: what tests of readers start from.

Messages are collected by :meth:`JobLog.meta`, :meth:`~JobLog.records` and so on, and go out in one transaction by
:meth:`JobLog.commit`, the state last; :meth:`JobLog.abort` writes them and aborts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from broker.admin import Admin
from broker.settings import BrokerSettings
from joblog.transactions import Transactor
from schemas import messages
from schemas.commands import Request
from schemas.headers import MessageHeaders
from schemas.jobs import CommandPlace, DomainProgress, JobState, Status, changed, encode_state, new_state
from schemas.problems import SourceProblem
from schemas.topics import Names, job_topic, new_job_id, partition_of, shared_topics


def record(domain: str, number: int, padding: int = 0) -> bytes:
    """One record as JSON: deterministic, so that a reader can say which record it should be."""
    return b'{"CONTAINERID":"C%06d","DOMAIN":"%b","N":%d,"PAD":"%b"}' % (
        number // 10,
        domain.encode(),
        number,
        b"x" * padding,
    )


@dataclass(slots=True)
class JobLog:
    """One job being written. ``state`` is the newest committed state; ``lines`` what a stream must give, without offsets."""

    settings: BrokerSettings
    transactor: Transactor
    state: JobState
    lines: list[bytes] = field(default_factory=list)
    _pending: list[tuple[bytes, MessageHeaders]] = field(default_factory=list)
    _progress: dict[str, DomainProgress] = field(default_factory=dict)

    @classmethod
    async def create(
        cls,
        settings: BrokerSettings,
        admin: Admin,
        *,
        domains: Sequence[str] = ("history",),
        job_id: str | None = None,
        aggregation: str | None = None,
    ) -> JobLog:
        """A ``queued`` job with its state written and its topic made; the shared topics too where they are missing."""
        job_id = job_id or new_job_id(int(time.time() * 1000), os.urandom(10))
        names = Names(settings.prefix)
        await admin.create_topics(
            [
                *shared_topics(names, settings.partitions, settings.replication, settings.min_insync, 86400),
                job_topic(names, job_id, settings.replication, settings.min_insync),
            ]
        )
        request = Request(
            job_id=job_id,
            domains=tuple(domains),
            cid_count=10,
            duplicates_dropped=0,
            batch_size=5000,
            ttl_seconds=3600,
            principal="127.0.0.1",
            request_hash="0" * 64,
            submitted_at=int(time.time() * 1000),
            aggregation=aggregation,
        )
        state = new_state(
            request, CommandPlace(partition_of(job_id, settings.partitions), 0), names.job(job_id)
        )
        transactor = await Transactor.take(settings, names.writer_id(job_id), timeout=60, deadline=30)
        job = cls(settings, transactor, state)
        job._progress = {domain: DomainProgress(domain, total_chunks=1) for domain in domains}
        await job.commit()
        return job

    @property
    def job_id(self) -> str:
        return self.state.job_id

    @property
    def topic(self) -> str:
        return self.state.topic

    def meta(self) -> None:
        request = self.state.request
        line = messages.meta(request, None)
        self._add(line, MessageHeaders(messages.META))

    def start(self, domain: str, columns: Sequence[dict[str, Any]] = ()) -> None:
        line = messages.domain_start(domain, total_chunks=1, columns=columns)
        self._add(line, MessageHeaders(messages.DOMAIN_START, domain, 1))
        self._note(domain, started=True)

    def records(self, domain: str, count: int, padding: int = 0, *, text: bytes | None = None) -> None:
        """A message with the next ``count`` records of the domain, each ``text`` if that is given."""
        done = self._progress[domain]
        body = b",".join(text or record(domain, done.records + n, padding) for n in range(count))
        line = messages.records_prefix(domain, done.batches + 1) + body + messages.RECORDS_SUFFIX
        self._add(line, MessageHeaders(messages.RECORDS, domain, done.batches + 1, done.records, count, 1))
        self._note(
            domain, records=done.records + count, batches=done.batches + 1, bytes=done.bytes + len(line)
        )

    def end(self, domain: str) -> None:
        done = self._progress[domain]
        line = messages.domain_end(
            domain, total_records=done.records, total_batches=done.batches, null_container_rows=0
        )
        self._add(line, MessageHeaders(messages.DOMAIN_END, domain))
        self._note(domain, chunks=1, ended=True)

    async def commit(self, status: Status | None = None, **changes: Any) -> None:
        """One transaction: what was collected, then the state, with ``status`` (default: ``running`` once there is a log)."""
        await self.transactor.begin()
        end = await self._send()
        if self._pending or status is not None:
            first = self.state.first_offset if self.state.first_offset is not None else 0
            self.state = changed(
                self.state,
                status=status or Status.RUNNING,
                progress=tuple(self._progress.values()),
                first_offset=first,
                end_offset=end or self.state.end_offset,
                **changes,
            )
        await self.write_state()
        await self.transactor.commit()
        self.lines += [line for line, _ in self._pending]
        self._pending.clear()

    async def abort(self) -> None:
        """Writes what was collected and aborts it: the log then holds records that no committed reader may see."""
        kept = dict(self._progress)
        await self.transactor.begin()
        await self._send()
        await self.transactor.abort()
        self._pending.clear()
        self._progress = {each.domain: each for each in self.state.progress} or kept

    async def complete(self) -> None:
        """The terminal message of a job that ended well, with its state."""
        total = sum(each.records for each in self._progress.values())
        line = messages.complete(elapsed_seconds=1.0, total_records=total)
        self._add(line, MessageHeaders(messages.COMPLETE))
        await self._finish(Status.COMPLETE)

    async def cancel(self) -> None:
        """The terminal message of a cancelled job, with its state."""
        self._add(messages.cancelled(elapsed_seconds=1.0), MessageHeaders(messages.CANCELLED))
        await self._finish(Status.CANCELLED)

    async def fail(self) -> None:
        """The terminal message of a job whose database said no, with its state."""
        problem = SourceProblem("ORA-00942: the table is not there; check the domain's query.").document()
        self._add(messages.error(problem), MessageHeaders(messages.ERROR))
        await self._finish(Status.FAILED, problem=problem)

    async def expire(self) -> None:
        """The state alone; the topic stays until the caller deletes it."""
        await self.commit(Status.EXPIRED)

    async def whole(
        self, batches: int, per_batch: int, *, padding: int = 0, per_transaction: int = 4
    ) -> None:
        """A complete log: every domain with ``batches`` messages of ``per_batch`` records."""
        self.meta()
        for domain in self.state.request.domains:
            self.start(domain)
            for number in range(batches):
                self.records(domain, per_batch, padding)
                if number % per_transaction == per_transaction - 1:
                    await self.commit()
            self.end(domain)
            await self.commit()
        await self.complete()

    async def close(self) -> None:
        await self.transactor.close()

    async def write_state(self) -> None:
        """The state as a record of the open transaction."""
        names = Names(self.settings.prefix)
        await self.transactor.send(
            names.jobs,
            encode_state(self.state),
            key=self.job_id.encode(),
            partition=partition_of(self.job_id, self.settings.partitions),
        )

    async def _finish(self, status: Status, **changes: Any) -> None:
        now = int(time.time() * 1000)
        await self.commit(status, ended_at=now, expires_at=now + self.state.ttl * 1000, **changes)

    async def _send(self) -> int:
        for line, headers in self._pending:
            await self.transactor.send(self.topic, line, partition=0, headers=headers.encode())
        offsets = await self.transactor.settle()
        return offsets[-1] + 1 if offsets else 0

    def _add(self, line: bytes, headers: MessageHeaders) -> None:
        self._pending.append((line, headers))

    def _note(self, domain: str, **changes: Any) -> None:
        self._progress[domain] = msgspec.structs.replace(self._progress[domain], **changes)
