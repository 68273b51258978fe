"""Child processes of ``up`` and ``demo``: start, wait until ready, restart what died, stop all.

Rules:

1. No orphan: a child is tethered to this process by the kernel (:mod:`broker.children`), so that not even ``kill -9`` of this one
   leaves any. It has a session of its own: a Ctrl-C in the terminal reaches this process alone, which then stops the children.
2. Signals go to the pid of our own, not yet reaped child and to nothing else.
3. A child is ready when it says so (:mod:`tracestream.notify`). One that dies before it was ever ready is a failure of the start,
   told with the end of its log; one that dies later is started again, with back-off.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from broker.children import spawn
from tracestream import notify
from tracestream.exits import CommandError
from tracestream.memory import peak_memory
from tracestream.restarts import Restarts

START_DEADLINE = 60.0
STOP_DEADLINE = 7.0
_POLL = 0.05
_TAIL_LINES = 15

Hear = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Program:
    """What to run under which ``name``; ``env`` comes on top of our own environment."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]

    @classmethod
    def own(cls, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> Program:
        """The command ``tracestream`` with ``arguments``.

        ``-P`` keeps the working folder off the module path: a folder there may bear the name of one of our packages.
        """
        return cls(name, (sys.executable, "-P", "-m", "tracestream", *arguments), env)


class StartFailed(CommandError):
    """A process did not come up; the message ends with its log."""


@dataclass(slots=True)
class _Child:
    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    watcher: asyncio.Task[None] | None = None
    listener: notify.Listener | None = None
    restarts: Restarts = field(default_factory=Restarts)
    peak: int = 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def note_memory(self) -> int:
        """The highest resident memory of this child and of those it replaced, in bytes."""
        if self.process is not None and self.process.poll() is None:
            self.peak = max(self.peak, peak_memory(self.process.pid))
        return self.peak


class Processes:
    """The children of this process; logs go to ``folder``, one file a name. ``hear`` is told of deaths and restarts."""

    def __init__(self, folder: Path, hear: Hear = lambda _: None) -> None:
        self._folder = folder
        self._hear = hear
        self._children: list[_Child] = []
        self._stopping = False

    async def start(
        self,
        programs: Sequence[Program],
        deadline: float = START_DEADLINE,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Starts them at once and waits until each is ready. Raises :class:`StartFailed`.

        ``progress`` is told how many are ready.
        """
        children = [_Child(program, self._folder / f"{program.name}.log") for program in programs]
        for child in children:
            self._children.append(child)
            child.listener = await notify.listen(child.program.name, child.ready.set)
            self._spawn(child)
        try:
            async with asyncio.timeout(deadline):
                for count, child in enumerate(children, 1):
                    await self._until_ready(child)
                    progress(count)
        except TimeoutError:
            late = ", ".join(child.program.name for child in children if not child.ready.is_set())
            raise StartFailed(f"Not ready within {deadline:.0f} s: {late}. Logs: {self._folder}") from None
        for child in children:
            child.watcher = asyncio.create_task(self._watch(child))

    def pids(self) -> dict[str, int]:
        """Names and pids of those that run."""
        return {c.program.name: c.process.pid for c in self._children if c.running and c.process}

    def peaks(self) -> dict[str, int]:
        """The highest resident memory of each so far, in bytes; read it before :meth:`stop`."""
        return {child.program.name: child.note_memory() for child in self._children}

    async def stop(self, deadline: float = STOP_DEADLINE) -> None:
        """SIGTERM to all at once, SIGKILL to who is left after ``deadline`` seconds. May be repeated."""
        self._stopping = True
        for child in self._children:
            if child.watcher is not None:
                child.watcher.cancel()
            if child.running and child.process is not None:
                child.process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                for child in self._children:
                    await _ended(child)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to all that run, and reaps them."""
        self._stopping = True
        for child in self._children:
            if child.process is not None:
                if child.running:
                    self._hear(f"{child.program.name} had to be killed.")
                    child.process.kill()
                child.process.wait()
            if child.listener is not None:
                child.listener.close()
                child.listener = None

    def _spawn(self, child: _Child) -> None:
        child.ready.clear()
        child.restarts.started(time.monotonic())
        address = child.listener.address if child.listener else ""
        env = {**os.environ, **child.program.env, notify.NOTIFY_SOCKET: address}
        child.process = spawn(child.program.command, output=child.log, env=env)

    async def _until_ready(self, child: _Child) -> None:
        while not child.ready.is_set():
            if not child.running:
                raise StartFailed(f"{child.program.name} ended while starting.\n{log_tail(child.log)}")
            with suppress(TimeoutError):
                await asyncio.wait_for(child.ready.wait(), _POLL)

    async def _watch(self, child: _Child) -> None:
        while not self._stopping:
            if child.running:
                child.note_memory()
                await asyncio.sleep(_POLL * 4)
                continue
            pause = child.restarts.pause(time.monotonic())
            code = child.process.returncode if child.process else 0
            self._hear(f"{child.program.name} {_ending(code)}; starting it again in {pause:g} s.")
            await asyncio.sleep(pause)
            if not self._stopping:
                self._spawn(child)


async def _ended(child: _Child) -> None:
    while child.running:  # noqa: ASYNC110 - the kernel has no event for us
        await asyncio.sleep(_POLL)


def _ending(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def log_tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """The last ``lines`` of a log, and where it is."""
    try:
        text = path.read_text("utf-8", "replace").strip()
    except OSError:
        text = ""
    end = "\n".join(f"  | {line}" for line in text.splitlines()[-lines:]) or "  | (it wrote nothing)"
    return f"{end}\nIts log: {path}"
