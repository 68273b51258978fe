"""Child processes that end with the process that started them, however that one ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue

from broker import tether

_Job = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]
_jobs: SimpleQueue[_Job] = SimpleQueue()
_spawner: threading.Thread | None = None
_spawner_lock = threading.Lock()


def spawn(
    command: Sequence[str], *, output: Path, env: Mapping[str, str] | None = None, keep: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Starts ``command`` tethered to this process, in a session of its own, its output appended to the file ``output``.

    ``env`` is its whole environment; without it the child inherits ours. ``keep`` are file descriptors to inherit.

    Linux takes the tether from the *thread* that forks: one that ended early would end the child. So all children are
    started by one thread that lives as long as the process.
    """
    global _spawner  # noqa: PLW0603 - one thread a process, not one a broker
    with _spawner_lock:
        if _spawner is None or not _spawner.is_alive():
            _spawner = threading.Thread(target=_serve_spawns, name="spawner", daemon=True)
            _spawner.start()
    full = [sys.executable, "-I", "-S", str(Path(tether.__file__)), str(os.getpid()), *command]

    def start() -> subprocess.Popen[bytes]:
        with output.open("ab") as file:
            return subprocess.Popen(
                full,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env=env,
                pass_fds=keep,
            )

    answer: Future[subprocess.Popen[bytes]] = Future()
    _jobs.put((start, answer))
    return answer.result()


def _serve_spawns() -> None:
    while True:
        start, answer = _jobs.get()
        try:
            answer.set_result(start())
        except OSError as error:
            answer.set_exception(error)
