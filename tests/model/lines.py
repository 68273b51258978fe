"""The messages of a modelled log: a letter each, a number for the records of a chunk."""

from __future__ import annotations

from collections.abc import Sequence

from joblog.replay import Entry
from schemas import messages
from schemas.headers import MessageHeaders
from schemas.jobs import Status
from tests.model.world import COMMITTED, DOMAIN, HOUR, Job, Line

META, START, END, AGGREGATION = "m", "s", "e", "a"
COMPLETE, ERROR, CANCELLED = "C", "E", "X"

TERMINAL = {COMPLETE: Status.COMPLETE, ERROR: Status.FAILED, CANCELLED: Status.CANCELLED}

NAMES = {
    META: "meta",
    START: "domain_start",
    END: "domain_end",
    AGGREGATION: "aggregation",
    COMPLETE: "complete",
    ERROR: "error",
    CANCELLED: "cancelled",
}


def whole(job: Job) -> list[str | int]:
    """What the log of a job that runs to its end holds before its terminal message."""
    body: list[str | int] = [META, START, *range(job.chunks), END]
    return [*body, AGGREGATION] if job.aggregated else body


def chunk_lines(job: Job, chunk: int) -> list[str | int]:
    """What the transaction of a chunk appends, up to the end of a job without an aggregation."""
    lines: list[str | int] = [META, START] if chunk == 0 else []
    lines.append(chunk)
    if chunk == job.chunks - 1:
        lines += [END] if job.aggregated else [END, COMPLETE]
    return lines


def committed(log: Sequence[Line] | None) -> list[str | int]:
    """What a reader of the log sees."""
    return [line.kind for line in log or () if line.status == COMMITTED]


def entries(log: Sequence[Line] | None, begin: int, end: int, job: Job) -> list[Entry]:
    """The committed messages from ``begin`` to before ``end`` as :func:`joblog.replay.replay` takes them."""
    found = enumerate((log or ())[begin:end], start=begin)
    return [
        Entry(offset, line.hour * HOUR, 1, _headers(line.kind, job))
        for offset, line in found
        if line.status == COMMITTED
    ]


def _headers(kind: str | int, job: Job) -> MessageHeaders:
    if isinstance(kind, int):
        return MessageHeaders(messages.RECORDS, DOMAIN, kind + 1, kind, 1, kind + 1)
    if kind == START:
        return MessageHeaders(messages.DOMAIN_START, DOMAIN, next_chunk=0)
    if kind == END:
        return MessageHeaders(messages.DOMAIN_END, DOMAIN, count=job.chunks, next_chunk=job.chunks)
    return MessageHeaders(NAMES[kind])


def told(kinds: Sequence[str | int]) -> str:
    """Messages as a sentence names them."""
    return ", ".join(f"chunk {kind}" if isinstance(kind, int) else NAMES[kind] for kind in kinds)
