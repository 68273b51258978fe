"""Where ``up``, ``demo`` and ``data`` keep files, and who may use them.

    <data dir>/
    ├── demo-<scale>.duckdb      demo data, made once
    ├── kafka/                   the broker of `up`, kept from one to the next
    ├── up.json                  where the running `up` is; its lock says that it runs
    └── runs/<name>-<time>-<pid>/  logs of one run; the demo's broker too, removed at its end

A lock is the kernel's (``flock``): it goes with the process that held it, however that one ended.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tracestream.exits import CommandError
from tracestream.settings import ProcessSettings, load

RUNS_KEPT = 5
_LOCK = "lock"


class InUse(CommandError):
    """Another process uses the folder."""


def data_folder(chosen: Path | None) -> Path:
    """``chosen`` (``--data-dir``) or what TRACE_DATA_DIR says; made if need be. Raises CommandError."""
    folder = (chosen or Path(load(ProcessSettings, os.environ).data_dir)).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The data folder {folder} cannot be made: {error.strerror}.") from None
    return folder


def demo_file(folder: Path, scale: float) -> Path:
    """The DuckDB file of the demo data at ``scale``."""
    return folder / f"demo-{scale:g}.duckdb"


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[IO[str]]:
    """Holds the lock file ``path``. Raises :class:`InUse` when another process holds it and ``wait`` is not given."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise InUse(f"{path.parent} is in use by another tracestream.") from None
        yield file


@contextmanager
def run_folder(data: Path, name: str) -> Iterator[Path]:
    """A new folder for one run's logs; clears away what former runs left behind."""
    runs = data / "runs"
    folder = runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True)
    with locked(folder / _LOCK):
        _clear(runs, folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder / "kafka", ignore_errors=True)


def _clear(runs: Path, own: Path) -> None:
    """Removes brokers' files that a killed run left, and all but the newest few runs. Runs still going on are left alone."""
    former = sorted((each for each in runs.iterdir() if each != own), key=lambda each: each.stat().st_mtime)
    for index, folder in enumerate(former):
        with suppress(InUse, OSError), locked(folder / _LOCK):
            old = index < len(former) - RUNS_KEPT
            shutil.rmtree(folder if old else folder / "kafka", ignore_errors=True)
