"""``tracestream data``: the demo data, made where it is missing."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import duckdb

from tracestream import folders
from tracestream.data import SQL_FOLDER, DemoData, container_ids, generate, write_container_ids
from tracestream.exits import CommandError, Exit
from tracestream.output import gauge, say

Progress = Callable[[int, int], None]


def make(arguments: Namespace) -> Exit:
    path = ensure(folders.data_folder(arguments.data_dir), arguments.scale, tell)
    say(str(path))
    return Exit.OK


def ids(arguments: Namespace) -> Exit:
    path = ensure(folders.data_folder(arguments.data_dir), arguments.scale, tell)
    for container_id in container_ids(path, arguments.limit):
        sys.stdout.write(container_id + "\n")
    return Exit.OK


def ensure(folder: Path, scale: float, progress: Progress) -> Path:
    """The file of the demo data at ``scale``, made unless it is there whole and from the same recipe. Blocks.

    Raises CommandError when it cannot be written.
    """
    path = folders.demo_file(folder, scale)
    data = DemoData().scaled(scale)
    recipe = path.with_suffix(".json")
    wanted = _recipe(data)
    with folders.locked(path.with_suffix(".lock"), wait=True):
        if not (path.exists() and recipe.exists() and recipe.read_text("utf-8") == wanted):
            recipe.unlink(missing_ok=True)
            _generate(path, data, progress)
            recipe.write_text(wanted, "utf-8")
    return path


def ensure_ids(path: Path) -> Path:
    """The container IDs of the demo data at ``path``, one a line in a file beside it, made unless it is there and newer. Blocks.

    Raises CommandError when it cannot be written.
    """
    destination = path.with_suffix(".ids")
    with folders.locked(path.with_suffix(".lock"), wait=True):
        if not (destination.exists() and destination.stat().st_mtime_ns >= path.stat().st_mtime_ns):
            unfinished = destination.with_suffix(".unfinished")
            try:
                write_container_ids(path, unfinished)
                os.replace(unfinished, destination)  # noqa: PTH105 - the atomic replacement, also on Windows
            except (OSError, duckdb.Error) as error:
                raise CommandError(f"The demo's container IDs cannot be written: {error}") from None
    return destination


def _recipe(data: DemoData) -> str:
    """Everything that the file follows from: the numbers and the statements."""
    statements = {
        file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(SQL_FOLDER.glob("*.sql"))
    }
    return json.dumps({"numbers": asdict(data), "statements": statements}, default=str, sort_keys=True)


def _generate(path: Path, data: DemoData, progress: Progress) -> None:
    try:
        generate(path, data, progress)
    except (OSError, duckdb.Error) as error:
        raise CommandError(f"The demo data cannot be written to {path}: {error}") from None


def tell(done: int, total: int) -> None:
    """Shows the progress of :func:`ensure` on a terminal."""
    gauge(f"Making the demo data: {100 * done // total} %", last=done == total)
