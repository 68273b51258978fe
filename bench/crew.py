"""Worker processes that are killed on purpose and replaced at once."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType

from broker.children import spawn
from tracestream import notify
from tracestream.processes import Program

_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)
_STOP_SECONDS = 20.0


def resident(pid: int) -> int:
    """The resident memory of a process now, in bytes."""
    match = _RESIDENT.search(Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    return int(match[1]) * 1024 if match else 0


class Crew:
    """So many ``tracestream worker`` processes; ended with SIGTERM at the end of the block. Their logs go to ``folder``."""

    def __init__(self, env: Mapping[str, str], folder: Path, size: int) -> None:
        self.kills = 0
        self._program = Program.own("worker", ["worker"], env)
        self._folder = folder
        self._size = size
        self._members: list[subprocess.Popen[bytes]] = []
        self._ready = asyncio.Event()
        self._numbers = count()

    async def __aenter__(self) -> Crew:
        self._listener = await notify.listen("crew", self._ready.set)
        self._members = [self._hire() for _ in range(self._size)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.terminate()
        for member in self._members:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(member.wait, _STOP_SECONDS)
            member.kill()
            member.wait()
        self._listener.close()

    async def ready(self) -> None:
        """Waits until one of them has joined its group."""
        async with asyncio.timeout(120):
            await self._ready.wait()

    @asynccontextmanager
    async def killed_every(self, seconds: float, most: int | None = None) -> AsyncIterator[None]:
        """One after the other in turn, ready or not; ``most`` times in all. Without that bound a worker lives ``seconds`` times
        the size of the crew: where it takes longer to start, none ever works."""

        async def work() -> None:
            begun = time.monotonic()
            for number in count() if most is None else range(most):
                await asyncio.sleep(max(0.0, begun + (number + 1) * seconds - time.monotonic()))
                member = number % self._size
                self._members[member].kill()
                self._members[member].wait()
                self.kills += 1
                self._members[member] = self._hire()

        task = asyncio.create_task(work())
        try:
            yield
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _hire(self) -> subprocess.Popen[bytes]:
        env = {**os.environ, **self._program.env, notify.NOTIFY_SOCKET: self._listener.address}
        return spawn(
            self._program.command, output=self._folder / f"worker-{next(self._numbers)}.log", env=env
        )
