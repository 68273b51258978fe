"""The decisions of the protocol: pure, no I/O (design: "Who writes what", "States"; in words: docs/protocol.md).

The theory in four sentences. The log is the truth and the state in ``trace.jobs`` repeats it, because both are written in one
transaction. Whoever takes a job's id has fenced every former writer, so what it then reads to the end is all there will
ever be but for its own writes. It decides from the state, the commands not yet applied and the time; nothing else. Commands
are applied in the order of their offsets, so that a state names the last one applied and a re-read command is recognised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from typing import Any

from schemas.commands import CANCEL, DELETE, SET_TTL
from schemas.jobs import JobState, Status


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


@dataclass(slots=True)
class Backlog:
    """The commands of one partition at its owner: ``position`` is the next to read, ``committed`` what the group has
    committed, ``unfinished`` the offsets of those that are read and not finished, each with its job's id.

    Rule: what is committed is never beyond the oldest unfinished command, so that whoever takes over reads it again.
    """

    position: int
    committed: int
    unfinished: dict[int, str] = field(default_factory=dict)

    def take(self, offset: int) -> bool:
        """Notes a command as read; False when it was read before."""
        if offset < self.position:
            return False
        self.position = offset + 1
        return True

    def hold(self, offset: int, job_id: str) -> None:
        """The command is to be finished before the offset passes it."""
        self.unfinished[offset] = job_id

    def finish(self, done: Iterable[Wanted]) -> None:
        for command in done:
            self.unfinished.pop(command.offset, None)

    @property
    def safe(self) -> int:
        """The offset that may be committed now."""
        return min(self.unfinished, default=self.position)


def is_admitted(*, known: bool, age_ms: float, retention_ms: float) -> bool:
    """Whether a submit becomes a job: one whose id is known is passed over, and so is one older than commands are kept,
    because the tombstone of its job may be written already."""
    return not known and age_ms < retention_ms


def was_admitted(left: Iterable[JobState], committed: int) -> bool:
    """Whether an admission whose states Kafka left open had been committed: the group's offset has passed its command then."""
    return any(state.command.offset < committed for state in left)


def was_stored(left: int, known: int | None) -> bool:
    """Whether states of a job that Kafka left open up to the offset ``left`` had been committed: whoever finds them did it
    itself, and so knows the state at ``known``, where no reader of what is committed has come to yet."""
    return known is not None and left <= known


def concerns(command: Wanted, state: JobState | None) -> bool:
    """Whether a cancel, delete or TTL leaves anything to do for a job; one that does not is finished at once."""
    if state is None or (state.status is Status.EXPIRED and command.kind != DELETE):
        return False
    return not (command.kind == CANCEL and (state.ended or command.offset <= state.last_command))


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


def applied(state: JobState, pending: Sequence[Wanted]) -> dict[str, Any]:
    """The changes of the state for :data:`Step.APPLY_TTL`: the new life, and the time of the end that follows from it."""
    ttl, last = (after_end if state.ended else apply_ttls)(state, pending)
    expires_at = None if state.ended_at is None else state.ended_at + (ttl or state.ttl) * 1000
    return {"ttl_seconds": ttl, "last_command": last, "expires_at": expires_at}


def ended(state: JobState, status: Status, pending: Sequence[Wanted], now_ms: int) -> dict[str, Any]:
    """The changes that end a job now as ``status``; its life begins."""
    ttl, last = after_end(state, pending)
    seconds = ttl or state.ttl
    return {
        "status": status,
        "ended_at": now_ms,
        "expires_at": now_ms + seconds * 1000,
        "ttl_seconds": seconds,
        "last_command": last,
    }


def expired(state: JobState, pending: Sequence[Wanted]) -> dict[str, Any]:
    """The changes for :data:`Step.EXPIRE`; every command so far is then applied."""
    return {
        "status": Status.EXPIRED,
        "last_command": max((command.offset for command in pending), default=state.last_command),
        "deleted": any(command.kind == DELETE for command in pending),
        "problem": None,
    }


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


def is_taken_up(state: JobState, *, topic_stands: bool, now_ms: int) -> bool:
    """Whether a job has something to do when its partition is taken over."""
    if state.status is Status.EXPIRED:
        return topic_stands
    return not state.ended or (state.expires_at is not None and state.expires_at <= now_ms)


def is_buried(state: JobState, written_at_ms: int, now_ms: int, retention_ms: float) -> bool:
    """Whether the tombstones of an expired job may be written: no command about it is kept any more that could bring it
    back. ``written_at_ms`` is when ``expired`` was written."""
    return state.status is Status.EXPIRED and written_at_ms <= now_ms - retention_ms


def is_orphan(newest_ms: int, now_ms: int, age_ms: float) -> bool:
    """Whether the topic of no known job is old enough to be removed; ``newest_ms`` is its last record's time, 0 without."""
    return newest_ms <= now_ms - age_ms


def tries_at_start(state: JobState, *, retaken: bool, holder_alive: bool) -> int:
    """The tries to store before an attempt: one more, unless this start does not count.

    It does not count after a clean release (no holder), when this worker takes the job again after a fence (``retaken``), or
    when the former holder is still a member of the group (``holder_alive``): then nobody died of the job.
    """
    released = state.status is not Status.QUEUED and not state.holder
    return state.tries if released or retaken or holder_alive else state.tries + 1


SUSPECT_TRIES = 2


def is_suspect(state: JobState) -> bool:
    """Whether a job may be what kills its workers: that many starts in a row ended without anything added."""
    return not state.ended and state.tries >= SUSPECT_TRIES


def back_off(tries: int, random: float) -> float:
    """Seconds to wait before start number ``tries``: none for the first, then up to 1, 2, 4 … 30, at least half of it."""
    return 0.0 if tries <= 1 else min(30.0, 2.0 ** (tries - 2)) * (0.5 + random / 2)
