"""A state carried on over the log that stands behind it: pure (design: "The log is the truth").

State and log are written in one transaction, so that nothing stands behind a state unless the state was lost. Then the log
decides: its headers say what it holds, and which chunk comes next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from schemas import messages
from schemas.headers import MessageHeaders
from schemas.jobs import DomainProgress, JobState, Status


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a log: its Kafka ``offset`` and ``timestamp`` (ms), the bytes of its value, its headers."""

    offset: int
    timestamp: int
    size: int
    headers: MessageHeaders


def replay(state: JobState, tail: Iterable[Entry]) -> JobState:
    """``state`` carried on over those of the log messages that stand behind its ``end_offset``; the same object when none do.

    What only the state knew is not to be had: the rows left out, the problem of a failed job.
    """
    progress = {item.domain: item for item in state.progress}
    before = state
    for entry in tail:
        if entry.offset < before.end_offset:
            continue
        status = _ENDS.get(entry.headers.type)
        state = msgspec.structs.replace(
            state,
            end_offset=entry.offset + 1,
            first_offset=entry.offset if state.first_offset is None else state.first_offset,
            status=status or (Status.RUNNING if state.status is Status.QUEUED else state.status),
        )
        if status is not None:
            state = msgspec.structs.replace(
                state, ended_at=entry.timestamp, expires_at=entry.timestamp + state.ttl * 1000
            )
        if entry.headers.domain is not None:
            progress[entry.headers.domain] = _carried_on(progress[entry.headers.domain], entry)
    if state is before:
        return state
    return msgspec.structs.replace(state, progress=tuple(progress.values()))


def is_whole(state: JobState, last: int) -> bool:
    """Whether ``state`` counts all that Kafka left open in the log up to the offset ``last``: it was committed then."""
    return last < state.end_offset


def is_missing(state: JobState, tail: Sequence[Entry]) -> bool:
    """Whether what ``state`` counts is not there: ``tail`` is the log from the newest message that it counts.

    Where one transaction lacks its marker, that of the next decides about both. An ended job writes no more.
    """
    newest = state.end_offset - 1
    return newest >= 0 and not state.ended and (not tail or tail[0].offset != newest)


def rewound(state: JobState) -> JobState:
    """``state`` as before the first message of its log: :func:`replay` of the whole log then says what of it there is."""
    progress = tuple(
        DomainProgress(done.domain, total_chunks=done.total_chunks, chunk_size=done.chunk_size)
        for done in state.progress
    )
    return msgspec.structs.replace(
        state,
        status=Status.RUNNING,
        progress=progress,
        first_offset=None,
        end_offset=0,
        ended_at=None,
        expires_at=None,
    )


_ENDS = {
    messages.COMPLETE: Status.COMPLETE,
    messages.ERROR: Status.FAILED,
    messages.CANCELLED: Status.CANCELLED,
}


def _carried_on(done: DomainProgress, entry: Entry) -> DomainProgress:
    headers = entry.headers
    chunks = done.chunks if headers.next_chunk is None else headers.next_chunk
    if headers.type == messages.DOMAIN_START:
        return msgspec.structs.replace(done, started=True)
    if headers.type == messages.DOMAIN_END:
        # A lost state may have been the first that counts the chunks.
        return msgspec.structs.replace(
            done, ended=True, chunks=chunks, total_chunks=max(chunks, done.total_chunks)
        )
    return msgspec.structs.replace(
        done,
        records=(headers.first or 0) + (headers.count or 0),
        batches=headers.batch or done.batches,
        bytes=done.bytes + entry.size,
        chunks=chunks,
    )
