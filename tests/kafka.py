"""One embedded broker for a whole test run, whatever number of xdist workers asks for it.

Every worker that uses the broker holds a shared lock on a file of the run. Who finds no broker starts one; that worker
stays until nobody holds the lock any more and then stops it: it cannot leave earlier, since the broker dies with the
process that started it. The kernel drops the locks of a worker that crashed. The first run on a machine also makes the
class cache, which pays for itself with the fourth broker that the tests start.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from broker.embedded import EmbeddedKafka
from broker.training import train

_PAUSE = 0.1


class SharedKafka:
    """The run's broker as one worker sees it. ``folder`` is common to all workers of the run."""

    def __init__(self, folder: Path) -> None:
        self._gate = folder / "kafka.gate"
        self._users = folder / "kafka.users"
        self._address = folder / "kafka.bootstrap"
        self._data = folder / "kafka"
        self._own: EmbeddedKafka | None = None
        self._use: IO[str] | None = None
        self.bootstrap = ""

    def enter(self) -> None:
        """Joins the broker of the run, or starts it."""
        with self._gated():
            self._use = self._users.open("w")
            fcntl.flock(self._use, fcntl.LOCK_SH)
            if self._address.exists():
                self.bootstrap = self._address.read_text()
                return
            asyncio.run(train())
            self._own = EmbeddedKafka(self._data)
            asyncio.run(self._own.start())
            self.bootstrap = self._own.bootstrap
            self._address.write_text(self.bootstrap)

    def leave(self) -> None:
        """Stops using it; the worker that started it waits for the others and stops it."""
        if self._use is not None:
            self._use.close()
        while self._own is not None and not self._stop_if_unused():
            time.sleep(_PAUSE)

    def _stop_if_unused(self) -> bool:
        with self._gated(), self._users.open("w") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._address.unlink()
            assert self._own is not None
            asyncio.run(self._own.stop())
            return True

    @contextmanager
    def _gated(self) -> Iterator[None]:
        with self._gate.open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield


def run_folder(base: Path) -> Path:
    """The folder that all workers of a run share, from a worker's own base folder."""
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
