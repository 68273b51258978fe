"""Runs the real command with everything it starts, and finds what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

DEADLINE = 180.0


def start(arguments: Sequence[str], data: Path, output: Path) -> subprocess.Popen[bytes]:
    """``tracestream`` with ``arguments`` in a session of its own, its files under ``data``."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tracestream", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**environ, "TRACE_DATA_DIR": str(data), "COLUMNS": "120"},
        )


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """One short command to its end."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tracestream", *arguments],
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes], output: Path) -> None:
    """Until ``condition`` holds; fails with the output when the process ends first or the deadline passes."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < end, output.read_text()
        time.sleep(0.05)


def descendants(pid: int) -> set[int]:
    """Pids of the children of ``pid``, of theirs and so on."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, new = set[int](), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of ``pids`` that still run."""
    running = set()
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                running.add(pid)
        except OSError:
            continue
    return running


def wait_until_gone(pids: set[int]) -> None:
    end = time.monotonic() + 20
    while left := alive(pids):
        assert time.monotonic() < end, f"left behind: {left}"
        time.sleep(0.05)


def address(data: Path) -> dict[str, str]:
    """What ``up`` says of where it is."""
    return dict(json.loads((data / "up.json").read_text()))
