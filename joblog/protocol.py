"""What the holder of a job's transactional id does next: pure, no I/O (design: "Who writes what", "States").

The theory in four sentences. The log is the truth and the state in ``trace.jobs`` repeats it, because both are written in one
transaction. Whoever takes a job's id has fenced every former writer, so what it then reads to the end is all there will
ever be but for its own writes. It decides from the state, the commands not yet applied and the time; nothing else. Commands
are applied in the order of their offsets, so that a state names the last one applied and a re-read command is recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto

import msgspec

from schemas import messages
from schemas.commands import CANCEL, DELETE, SET_TTL
from schemas.headers import MessageHeaders
from schemas.jobs import DomainProgress, JobState, Status


class Step(StrEnum):
    """What is to be done with a job now."""

    NOTHING = auto()
    EXTRACT = auto()
    """Read the source on from the checkpoint."""
    AWAIT_RESULT = auto()
    """Everything is in the log; wait for the processor, then end the job."""
    GIVE_UP = auto()
    """End the job as failed: it was started too often without adding anything."""
    CANCEL = auto()
    """End the job as cancelled."""
    APPLY_TTL = auto()
    """Write the state with its new life; a running job carries it with its next checkpoint instead."""
    EXPIRE = auto()
    """Write ``expired``, then remove the topic."""
    REMOVE_TOPIC = auto()
    """``expired`` stands; the topic may still be there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One command about a job that is not finished: its ``offset`` in ``trace.commands`` and its kind."""

    offset: int
    kind: str
    ttl_seconds: int = 0


@dataclass(slots=True)
class Inbox:
    """The commands of one job that are not yet applied, in the order of their offsets."""

    commands: list[Wanted] = field(default_factory=list)

    def add(self, command: Wanted) -> bool:
        """Takes a command in; False when it is already there (it was read again after a take-over)."""
        if any(known.offset == command.offset for known in self.commands):
            return False
        self.commands.append(command)
        self.commands.sort(key=lambda known: known.offset)
        return True

    def pending(self, state: JobState) -> list[Wanted]:
        """The commands that ``state`` does not carry yet."""
        return [command for command in self.commands if command.offset > state.last_command]

    def wants_end(self, state: JobState) -> bool:
        """Whether a cancel or delete asks a job that has not ended to end now."""
        return not state.ended and any(command.kind in (CANCEL, DELETE) for command in self.pending(state))

    def drop_finished(self, state: JobState | None, topic_gone: bool) -> list[Wanted]:
        """Removes and returns the commands that are finished: a cancel when the terminal state stands, a delete when the
        topic is gone, a TTL when a state carries it, all when there is no state any more (its tombstone is written)."""
        done = [
            command for command in self.commands if state is None or _is_finished(command, state, topic_gone)
        ]
        self.commands = [command for command in self.commands if command not in done]
        return done


def _is_finished(command: Wanted, state: JobState, topic_gone: bool) -> bool:
    if command.kind == CANCEL:
        return state.ended
    if command.kind == DELETE:
        return state.status is Status.EXPIRED and topic_gone
    return command.offset <= state.last_command or state.status is Status.EXPIRED


def apply_ttls(state: JobState, pending: Sequence[Wanted]) -> tuple[int | None, int]:
    """The life in seconds and the last command after the TTL commands that stand before any cancel or delete."""
    ttl, last = state.ttl_seconds, state.last_command
    for command in pending:
        if command.kind != SET_TTL:
            break
        ttl, last = command.ttl_seconds, command.offset
    return ttl, last


def after_end(state: JobState, pending: Sequence[Wanted]) -> tuple[int | None, int]:
    """Like :func:`apply_ttls`, in a write that makes or finds the job ended: a cancel before is then applied as well."""
    ttl, last = state.ttl_seconds, state.last_command
    for command in pending:
        if command.kind == DELETE:
            break
        if command.kind == SET_TTL:
            ttl = command.ttl_seconds
        last = command.offset
    return ttl, last


def next_step(state: JobState, inbox: Inbox, now_ms: int, max_tries: int) -> Step:
    """The one thing to do now; call it again after it is done, until it says NOTHING."""
    if state.status is Status.EXPIRED:
        return Step.REMOVE_TOPIC
    pending = inbox.pending(state)
    if inbox.wants_end(state):
        return Step.CANCEL
    if state.ended:
        if any(command.kind == DELETE for command in pending):
            return Step.EXPIRE
        if pending:
            return Step.APPLY_TTL
        due = state.expires_at is not None and state.expires_at <= now_ms
        return Step.EXPIRE if due else Step.NOTHING
    if state.status in (Status.QUEUED, Status.EXTRACTED) and pending:
        return Step.APPLY_TTL
    if state.status is Status.EXTRACTED:
        return Step.AWAIT_RESULT
    return Step.EXTRACT if state.tries <= max_tries else Step.GIVE_UP


def tries_at_start(state: JobState, *, retaken: bool, holder_alive: bool) -> int:
    """The tries to store before an attempt: one more, unless this start does not count.

    It does not count after a clean release (no holder), when this worker takes the job again after a fence (``retaken``), or
    when the former holder is still a member of the group (``holder_alive``): then nobody died of the job.
    """
    released = state.status is not Status.QUEUED and not state.holder
    return state.tries if released or retaken or holder_alive else state.tries + 1


def back_off(tries: int, random: float) -> float:
    """Seconds to wait before start number ``tries``: none for the first, then up to 1, 2, 4 … 30, at least half of it."""
    return 0.0 if tries <= 1 else min(30.0, 2.0 ** (tries - 2)) * (0.5 + random / 2)


def replay(state: JobState, tail: Iterable[tuple[int, int, MessageHeaders]]) -> JobState:
    """``state`` carried on over log messages that stand behind its ``end_offset``: (offset, bytes, headers) each.

    State and log are written together, so that there are none unless the state was lost; the log is then the truth.
    """
    progress = {item.domain: item for item in state.progress}
    for offset, size, headers in tail:
        state = msgspec.structs.replace(
            state,
            end_offset=offset + 1,
            first_offset=offset if state.first_offset is None else state.first_offset,
            status=_status_after(state.status, headers.type),
        )
        if headers.domain is not None:
            progress[headers.domain] = _progress_after(progress[headers.domain], size, headers)
    return msgspec.structs.replace(state, progress=tuple(progress.values()))


def _status_after(status: Status, kind: str) -> Status:
    ends = {
        messages.COMPLETE: Status.COMPLETE,
        messages.ERROR: Status.FAILED,
        messages.CANCELLED: Status.CANCELLED,
    }
    return ends.get(kind, Status.RUNNING if status is Status.QUEUED else status)


def _progress_after(done: DomainProgress, size: int, headers: MessageHeaders) -> DomainProgress:
    chunks = done.chunks if headers.next_chunk is None else headers.next_chunk
    if headers.type == messages.DOMAIN_START:
        return msgspec.structs.replace(done, started=True)
    if headers.type == messages.DOMAIN_END:
        return msgspec.structs.replace(done, ended=True, chunks=done.total_chunks)
    return msgspec.structs.replace(
        done,
        records=(headers.first or 0) + (headers.count or 0),
        batches=headers.batch or done.batches,
        bytes=done.bytes + size,
        chunks=chunks,
    )
