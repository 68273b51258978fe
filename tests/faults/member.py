"""One process that is started again when it dies, with back-off, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from broker.children import spawn
from tracestream import notify
from tracestream.processes import Program

FIRST_PAUSE = 0.3
LONGEST_PAUSE = 2.0
STEADY = 5.0
"""Seconds: a process that lived so long begins its back-off anew."""
_POLL = 0.02


class Member:
    """One process of the system; started again when it dies, until :meth:`stop`."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self.ready = asyncio.Event()
        self.deaths = 0
        self.frozen = False
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: notify.Listener | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._started = 0.0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> None:
        """Starts it and watches over it; :attr:`ready` is set once it says so."""
        if self._watcher is None:
            self._listener = await notify.listen(self.name, self.ready.set)
            self._spawn()
            self._watcher = asyncio.create_task(self._watch())

    def send(self, number: signal.Signals) -> bool:
        """Sends a signal; False when nothing runs at the moment."""
        if self._process is None or self._process.poll() is not None:
            return False
        self._process.send_signal(number)
        if number in (signal.SIGSTOP, signal.SIGCONT):
            self.frozen = number == signal.SIGSTOP
        return True

    def kill(self) -> bool:
        """SIGKILL; False when nothing runs at the moment."""
        return self.send(signal.SIGKILL)

    async def stop(self, seconds: float = 10.0) -> None:
        """Ends it for good: SIGTERM, and SIGKILL after ``seconds``."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
        if self.frozen:
            self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.pid is not None:
                    await asyncio.sleep(_POLL)
        self.kill()
        if self._process is not None:
            self._process.wait()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _spawn(self) -> None:
        assert self._listener is not None
        self.ready.clear()
        self.frozen = False
        self._started = time.monotonic()
        env = {**_plain_environ(), **self.program.env, notify.NOTIFY_SOCKET: self._listener.address}
        self._process = spawn(self.program.command, output=self.log, env=env)

    async def _watch(self) -> None:
        pause = FIRST_PAUSE
        while True:
            if self.pid is not None:
                await asyncio.sleep(_POLL)
                continue
            self.ready.clear()
            self.deaths += 1
            lived = time.monotonic() - self._started
            pause = FIRST_PAUSE if lived > STEADY else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            self._spawn()


def _plain_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
