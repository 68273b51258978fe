"""A job's state in ``trace.jobs``, and the table of its life (design: "States").

Two rules: a status changes only along :data:`TRANSITIONS`, and an ended job (:data:`ENDED`) never runs again. The table is
the documentation: ``schemas.generate`` draws the diagram of docs/ from it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from schemas.commands import Request


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    EXTRACTED = "extracted"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    # A small job may end with its first transaction.
    Status.QUEUED: frozenset(set(Status) - {Status.EXPIRED}),
    Status.RUNNING: frozenset(
        {Status.RUNNING, Status.EXTRACTED, Status.COMPLETE, Status.FAILED, Status.CANCELLED}
    ),
    Status.EXTRACTED: frozenset({Status.EXTRACTED, Status.COMPLETE, Status.FAILED, Status.CANCELLED}),
    Status.COMPLETE: frozenset({Status.COMPLETE, Status.EXPIRED}),
    Status.FAILED: frozenset({Status.FAILED, Status.EXPIRED}),
    Status.CANCELLED: frozenset({Status.CANCELLED, Status.EXPIRED}),
    Status.EXPIRED: frozenset({Status.EXPIRED}),
}
"""From → to. A status may follow itself (a checkpoint, a changed TTL); the tombstone follows ``expired`` alone."""

ENDED = frozenset({Status.COMPLETE, Status.FAILED, Status.CANCELLED, Status.EXPIRED})

MAX_STATE_BYTES = 8 * 1024


class CommandPlace(msgspec.Struct, frozen=True):
    """Where the submit stands in ``trace.commands``: the container IDs are read there again."""

    partition: int
    offset: int


class DomainProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one domain is. ``chunks`` of ``total_chunks``, each of ``chunk_size`` container IDs, stand whole in the log;
    ``records``, ``batches`` and ``bytes`` (uncompressed NDJSON) count what stands there; ``null_rows`` were left out;
    ``started`` and ``ended`` say whether ``domain_start`` and ``domain_end`` stand there."""

    domain: str
    total_chunks: int = 0
    chunks: int = 0
    records: int = 0
    batches: int = 0
    bytes: int = 0
    null_rows: int = 0
    started: bool = False
    ended: bool = False
    chunk_size: int = 0


class JobState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The latest state of one job, at most 8 KiB as JSON. Times are milliseconds since the epoch.

    ``version`` grows by one with each write. ``first_offset`` is where the log begins (its ``meta``), ``end_offset`` is one
    behind the last message of the log as of this state (transaction markers not counted). ``last_command`` is the offset of
    the newest command applied. ``tries`` counts starts in a row that added nothing. ``holder`` is the worker that wrote it.
    ``problem`` is the RFC 9457 document of a failed job. ``expires_at`` is set when the job has ended.
    """

    request: Request
    status: Status
    version: int
    command: CommandPlace
    topic: str
    last_command: int
    progress: tuple[DomainProgress, ...] = ()
    tries: int = 0
    holder: str = ""
    scn: int | None = None
    first_offset: int | None = None
    end_offset: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    expires_at: int | None = None
    ttl_seconds: int | None = None
    deleted: bool = False
    problem: dict[str, Any] | None = None

    @property
    def job_id(self) -> str:
        return self.request.job_id

    @property
    def ttl(self) -> int:
        """Seconds from the terminal message to expiry: the newest that was asked for."""
        return self.request.ttl_seconds if self.ttl_seconds is None else self.ttl_seconds

    @property
    def ended(self) -> bool:
        return self.status in ENDED


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(JobState)


def encode_state(state: JobState) -> bytes:
    """The value for ``trace.jobs``; a problem's detail is cut where the state would be over 8 KiB."""
    value = _encoder.encode(state)
    if len(value) <= MAX_STATE_BYTES or state.problem is None:
        return value
    kept = {name: state.problem[name] for name in ("type", "title", "status") if name in state.problem}
    detail = str(state.problem.get("detail", ""))[:1000]
    return _encoder.encode(msgspec.structs.replace(state, problem={**kept, "detail": detail}))


def decode_state(value: bytes | memoryview) -> JobState:
    """The state in a value of ``trace.jobs``. Raises ``msgspec.MsgspecError`` where it is not one of ours."""
    return _decoder.decode(value)


def new_state(request: Request, place: CommandPlace, topic: str) -> JobState:
    """The ``queued`` state that admission writes."""
    return JobState(
        request=request,
        status=Status.QUEUED,
        version=1,
        command=place,
        topic=topic,
        last_command=place.offset,
        progress=tuple(DomainProgress(domain) for domain in request.domains),
    )


def changed(state: JobState, **changes: Any) -> JobState:
    """The next version of ``state``. Raises ValueError when :data:`TRANSITIONS` does not allow the new status."""
    status = changes.get("status", state.status)
    if status not in TRANSITIONS[state.status]:
        raise ValueError(f"a job does not go from {state.status} to {status}")
    return msgspec.structs.replace(state, version=state.version + 1, **changes)
