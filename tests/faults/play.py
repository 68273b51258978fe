"""Carries out the events of a schedule, and says of each whether it has hit: a fault that nobody met shows nothing."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.faults.asking import JOB, Asking
from tests.faults.member import Member
from tests.faults.oracle import Oracle
from tests.faults.schedule import COMMANDS, Event, Kind
from tests.faults.source import Read, SourceFolder
from tests.faults.system import System

_LOOK = 0.05
_PATIENCE = 25.0
"""Seconds that an event waits for what it is to hit."""

_STAY = 0.5
"""Seconds that a member of a storm stays; joining and leaving take about as long."""


@dataclass(slots=True)
class Asked:
    """A job of the run, and what clients have asked of it."""

    number: int
    job_id: str
    ids: Sequence[str]
    cancelled: bool = False
    deleted: bool = False
    lives: list[int] | None = None


class Player:
    """``run`` names the run in the source's folder. ``hits`` and ``missed`` count the events by kind."""

    def __init__(
        self, system: System, source: SourceFolder, oracle: Oracle, run: str, jobs: Sequence[Asked]
    ) -> None:
        self.hits: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self._system = system
        self._source = source
        self._oracle = oracle
        self._run = run
        self._jobs = jobs
        self._seen = 0
        """Reads that say nothing any more of who is busy: their worker was killed."""
        self._turn = asyncio.Lock()

    async def play(self, events: Sequence[Event]) -> None:
        """All events, each at its time from now or from the submit of its job; returns when all are over."""
        async with asyncio.TaskGroup() as group:
            for event in events:
                group.create_task(self._at(event))

    async def until_read(self, number: int) -> bool:
        """Waits until a chunk of a job is read; False when the job ends without one."""
        return await self._wait(lambda: bool(self._reads(number)), number, 120.0)

    async def _at(self, event: Event) -> None:
        while not self._jobs[event.job].job_id:
            await asyncio.sleep(_LOOK)
        await asyncio.sleep(event.at)
        if not self._is_live(event) or not await self._do(event):
            self.missed[event.kind] += 1
        elif event.kind is not Kind.STORM:
            self.hits[event.kind] += 1

    def _is_live(self, event: Event) -> bool:
        """Whether a job is there that the event can harm: the one it is about, or any."""
        if event.kind in (Kind.ZOMBIE, *COMMANDS):
            return event.kind in (Kind.DELETE, Kind.LIFE) or not self._has_ended(event.job)
        return any(not self._has_ended(job.number) for job in self._jobs)

    def _has_ended(self, number: int) -> bool:
        state = self._oracle.state(self._jobs[number].job_id)
        return state is not None and state.ended

    async def _do(self, event: Event) -> bool:
        kinds: dict[Kind, Callable[[Event], Awaitable[bool]]] = {
            Kind.KILL_WORKER: self._kill_worker,
            Kind.KILL_PROCESSOR: self._kill_member,
            Kind.KILL_GATEWAY: self._kill_member,
            Kind.KILL_BROKER: self._kill_broker,
            Kind.ZOMBIE: self._zombie,
            Kind.CUT: self._cut,
            Kind.STALL: self._stall,
            Kind.DELAY: self._delay,
            Kind.STORM: self._storm,
            Kind.CANCEL: self._cancel,
            Kind.DELETE: self._delete,
            Kind.LIFE: self._life,
        }
        return await kinds[event.kind](event)

    async def _kill_worker(self, event: Event) -> bool:
        async with self._turn:
            busy = await self.busy(event.job)
            if busy is None or not busy.kill():
                return False
            self._seen = len(self._source.reads(self._run))
            return True

    async def _zombie(self, event: Event) -> bool:
        async with self._turn:
            busy = await self.busy(event.job)
            if busy is None or not busy.send(signal.SIGSTOP):
                return False
            pid = busy.pid
            self._seen = len(self._source.reads(self._run))
        try:
            await asyncio.sleep(0.3)
            states = self._oracle.states[self._jobs[event.job].job_id]
            before = len(states)
            taken = await self._wait(
                lambda: any(read.pid != pid for read in self._reads(event.job, self._seen)), event.job
            )
            if event.to_the_end:
                await self._wait(lambda: False, event.job)
            return taken or len(states) > before
        finally:
            busy.send(signal.SIGCONT)

    async def _kill_member(self, event: Event) -> bool:
        member = await self._member(*event.target)
        return member is not None and member.kill()

    async def _kill_broker(self, _: Event) -> bool:
        async with asyncio.timeout(60):
            while not self._system.kafka.running:
                await asyncio.sleep(_LOOK)
        return self._system.kill_broker()

    async def _cut(self, event: Event) -> bool:
        link = self._system.links["{}-{}".format(*event.target)]
        for _ in range(60):
            if link.cut():
                return True
            await asyncio.sleep(_LOOK)
        return False

    async def _stall(self, event: Event) -> bool:
        link = self._system.links["{}-{}".format(*event.target)]
        before = link.counts["stalled"]
        link.stall(event.ways)
        await asyncio.sleep(event.seconds)
        if event.to_the_end:
            link.cut()
        link.restore()
        return link.counts["stalled"] > before

    async def _delay(self, event: Event) -> bool:
        link = self._system.links["{}-{}".format(*event.target)]
        before = link.counts["delayed"]
        link.delay = event.added
        await asyncio.sleep(event.seconds)
        link.delay = 0.0
        return link.counts["delayed"] > before

    async def _storm(self, event: Event) -> bool:
        joins = self._source.path / "joins"
        joins.unlink(missing_ok=True)
        command = ("tests.faults.worker", str(self._source.path), str(_STAY))
        async with self._system.one_more("storm-1", command), self._system.one_more("storm-2", command):
            await asyncio.sleep(event.seconds)
        joined = len(joins.read_text().splitlines()) if joins.exists() else 0
        self.hits[Kind.STORM] += joined
        return joined > 1

    async def _cancel(self, event: Event) -> bool:
        job = self._jobs[event.job]
        job.cancelled = True
        status = await self._ask("POST", f"{JOB}{job.job_id}/cancel", f"cancel {event.at}")
        assert status in (200, 202, 410), f"a cancel was answered with {status}"
        return status == 202

    async def _delete(self, event: Event) -> bool:
        job = self._jobs[event.job]
        job.deleted = True
        status = await self._ask("DELETE", JOB + job.job_id, f"delete {event.at}")
        assert status == 204, f"a delete was answered with {status}"
        return True

    async def _life(self, event: Event) -> bool:
        job = self._jobs[event.job]
        job.lives = [*(job.lives or ()), int(event.seconds)]
        status = await self._ask(
            "PATCH", JOB + job.job_id, f"life {event.at}", json={"ttl_seconds": int(event.seconds)}
        )
        assert status == 200 or (status == 410 and job.deleted), f"a PATCH was answered with {status}"
        return status == 200

    async def _ask(self, method: str, path: str, seed: str, **options: object) -> int:
        async with Asking(self._system.urls, f"{self._run} {seed}") as asking:
            return (await asking.ask(method, path, **options)).status_code

    async def busy(self, number: int) -> Member | None:
        """Who reads a job now; None when the job ends before anybody does."""
        found: list[Member] = []

        def look() -> bool:
            for read in reversed(self._reads(number, self._seen)):
                member = self._system.by_pid(read.pid)
                if member is not None and not member.frozen:
                    found.append(member)
                    return True
            return False

        return found[0] if await self._wait(look, number) else None

    def _reads(self, number: int, first: int = 0) -> list[Read]:
        ids = set(self._jobs[number].ids)
        return [read for read in self._source.reads(self._run)[first:] if read.container in ids]

    async def _member(self, kind: str, number: int) -> Member | None:
        """The member, once it runs."""
        members = [self._system.members[f"{kind}-{number}"]] if number else self._system.of(kind)
        for _ in range(int(5 / _LOOK)):
            running = [member for member in members if member.pid is not None and member.ready.is_set()]
            if running:
                return running[0]
            await asyncio.sleep(_LOOK)
        return None

    async def _wait(self, condition: Callable[[], bool], number: int, seconds: float = _PATIENCE) -> bool:
        """Until the condition holds; False when the job ends first, or after so many seconds."""
        for _ in range(int(seconds / _LOOK)):
            if condition():
                return True
            if self._has_ended(number):
                return False
            await asyncio.sleep(_LOOK)
        return False
