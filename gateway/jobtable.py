"""The jobs as a gateway knows them: states from ``trace.jobs``, laid over by the commands read so far. Pure, no I/O.

Rules:
1. A state is kept as it is encoded, and decoded when it is asked for: about 1 KB a job.
2. A submit without a state is ``queued`` at version 0. The first submit of a job id decides, the others are ignored, as the
   worker ignores them.
3. What a user has asked for is shown as soon as its command is read: a deleted job is ``expired``, a new life shows. A
   command counts only if it stands behind the job's submit and the state does not carry it yet.
4. Records may come twice (this gateway's own at once, and again as they are read); the second time changes nothing.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from schemas.commands import DELETE, REQUEST, SET_TTL, SUBMIT, Request, SetTtl, kind_of
from schemas.jobs import CommandPlace, JobState, Status, decode_state, new_state
from schemas.topics import Names

Place = tuple[int, str]
"""Where a job stands in the order of submits: its time in milliseconds, and its id."""


class _Entry:
    """One job. ``value`` is its state, ``submit`` the request of a submit that has none; offsets are -1 where there is nothing."""

    __slots__ = (
        "deleted_at",
        "ended",
        "offset",
        "place",
        "principal",
        "shown",
        "status",
        "submit",
        "submit_offset",
        "submit_partition",
        "ttl",
        "ttl_at",
        "value",
    )

    def __init__(self) -> None:
        self.value: bytes | None = None
        self.submit: bytes | None = None
        self.offset = -1
        self.submit_partition = -1
        self.submit_offset = -1
        self.deleted_at = -1
        self.ttl_at = -1
        self.ttl = 0
        self.place: Place = (0, "")
        self.principal = ""
        self.status = Status.QUEUED
        self.shown: Status | None = None

    @property
    def known(self) -> bool:
        return self.value is not None or self.submit is not None

    @property
    def deleted(self) -> bool:
        return self.deleted_at > self.submit_offset


class JobTable:
    """Every job that ``trace.jobs`` or an unread command knows. ``retention`` of the commands in seconds."""

    def __init__(self, names: Names, retention: float) -> None:
        self._names = names
        self._retention_ms = int(retention * 1000)
        self._entries: dict[str, _Entry] = {}
        self._alive: list[Place] = []
        self._queued: list[Place] = []
        self.by_status: Counter[Status] = Counter()
        self.queued_by_principal: Counter[str] = Counter()

    @property
    def alive(self) -> int:
        """Jobs that have not expired."""
        return len(self._alive)

    def put_state(self, job_id: str, offset: int, value: bytes | None) -> bool:
        """A record of ``trace.jobs``; None removes the job. Whether anything changed."""
        entry = self._entries.get(job_id)
        if value is None:
            if entry is None or offset <= entry.offset:
                return False
            self._unlist(entry)
            del self._entries[job_id]
            return True
        if entry is not None and offset <= entry.offset:
            return False
        state = decode_state(value)
        entry = entry or self._entries.setdefault(job_id, _Entry())
        self._unlist(entry)
        entry.value, entry.offset, entry.submit = value, offset, None
        entry.status = state.status
        self._describe(entry, state.request, state.command)
        self._list(entry)
        return True

    def put_command(
        self, job_id: str, place: CommandPlace, headers: Mapping[str, bytes], value: bytes | memoryview | None
    ) -> bool:
        """A record of ``trace.commands``; the value is looked at only where it is short. Whether anything changed."""
        kind = kind_of(headers)
        if kind == SUBMIT:
            return self._submit(job_id, place, headers.get(REQUEST, b""))
        if kind not in (DELETE, SET_TTL):
            return False
        entry = self._entries.get(job_id) or self._entries.setdefault(job_id, _Entry())
        self._unlist(entry)
        if kind == DELETE:
            changed = place.offset > entry.deleted_at
            entry.deleted_at = max(entry.deleted_at, place.offset)
        else:
            changed = place.offset > entry.ttl_at and self._set_ttl(entry, place.offset, value)
        self._list(entry)
        return changed

    def _submit(self, job_id: str, place: CommandPlace, request: bytes) -> bool:
        entry = self._entries.get(job_id)
        if entry is not None and entry.known:
            return False
        try:
            asked = msgspec.json.decode(request, type=Request)
        except msgspec.MsgspecError:
            return False
        entry = entry or self._entries.setdefault(job_id, _Entry())
        entry.submit = request
        self._describe(entry, asked, place)
        self._list(entry)
        return True

    @staticmethod
    def _set_ttl(entry: _Entry, offset: int, value: bytes | memoryview | None) -> bool:
        try:
            entry.ttl = msgspec.json.decode(value or b"", type=SetTtl).ttl_seconds
        except msgspec.MsgspecError:
            return False
        entry.ttl_at = offset
        return True

    @staticmethod
    def _describe(entry: _Entry, request: Request, place: CommandPlace) -> None:
        entry.place = (request.submitted_at, request.job_id)
        entry.principal = sys.intern(request.principal)
        entry.submit_partition, entry.submit_offset = place.partition, place.offset

    def _list(self, entry: _Entry) -> None:
        """Enters the job into the counts and orders, as it is shown now."""
        if not entry.known:
            return
        entry.shown = Status.EXPIRED if entry.deleted else entry.status
        self.by_status[entry.shown] += 1
        if entry.shown is not Status.EXPIRED:
            insort(self._alive, entry.place)
        if entry.shown is Status.QUEUED:
            insort(self._queued, entry.place)
            self.queued_by_principal[entry.principal] += 1

    def _unlist(self, entry: _Entry) -> None:
        shown, entry.shown = entry.shown, None
        if shown is None:
            return
        self.by_status[shown] -= 1
        if shown is not Status.EXPIRED:
            del self._alive[bisect_left(self._alive, entry.place)]
        if shown is Status.QUEUED:
            del self._queued[bisect_left(self._queued, entry.place)]
            self.queued_by_principal[entry.principal] -= 1
            if not self.queued_by_principal[entry.principal]:
                del self.queued_by_principal[entry.principal]

    def state(self, job_id: str) -> JobState | None:
        """The job as it is shown: its state with the commands that it does not carry yet. None when it is not known."""
        entry = self._entries.get(job_id)
        if entry is None or not entry.known:
            return None
        state = self._stored(entry)
        if entry.deleted and state.status is not Status.EXPIRED:
            return msgspec.structs.replace(
                state, status=Status.EXPIRED, version=state.version + 1, deleted=True
            )
        if entry.ttl_at > state.last_command and state.status is not Status.EXPIRED:
            expires = None if state.ended_at is None else state.ended_at + entry.ttl * 1000
            return msgspec.structs.replace(state, ttl_seconds=entry.ttl, expires_at=expires)
        return state

    def _stored(self, entry: _Entry) -> JobState:
        if entry.value is not None:
            return decode_state(entry.value)
        request = msgspec.json.decode(entry.submit or b"", type=Request)
        place = CommandPlace(entry.submit_partition, entry.submit_offset)
        state = new_state(request, place, self._names.job(request.job_id))
        return msgspec.structs.replace(state, version=0)

    def queue_position(self, state: JobState) -> int | None:
        """The job's place among all queued jobs in the order of their submits, from 1; None when it is not queued."""
        if state.status is not Status.QUEUED:
            return None
        return bisect_left(self._queued, (state.request.submitted_at, state.job_id)) + 1

    def place_of(self, job_id: str) -> Place | None:
        """Where the job stands in the order of submits, also when it has expired; None when it is not known."""
        entry = self._entries.get(job_id)
        return entry.place if entry is not None and entry.known else None

    def newest(self, status: Status | None, behind: Place | None) -> Iterator[JobState]:
        """The jobs that have not expired, newest first, from behind a place on; of one status only when it is given."""
        index = len(self._alive) if behind is None else bisect_left(self._alive, behind)
        for _, job_id in reversed(self._alive[:index]):
            if status is None or self._entries[job_id].shown is status:
                state = self.state(job_id)
                if state is not None:
                    yield state

    def forget_lost(self, now_ms: int) -> list[str]:
        """Drops submits that no worker will admit any more, because their record is older than the commands' retention."""
        oldest = (now_ms - self._retention_ms, "")
        stale = [job_id for _, job_id in self._queued[: bisect_right(self._queued, oldest)]]
        lost = [job_id for job_id in stale if self._entries[job_id].value is None]
        for job_id in lost:
            self._unlist(self._entries[job_id])
            del self._entries[job_id]
        return lost
