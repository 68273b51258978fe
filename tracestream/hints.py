"""Command lines for the person to type next: they must work as they are printed, in the folder where this command was started."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from tracestream.settings import ProcessSettings, load


def program() -> str:
    """What starts this program again: its name where PATH leads to it, as it does not for who said ``make demo``; else its path."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m tracestream"
    found = shutil.which(started.name)
    if found and started.exists() and Path(found).samefile(started):
        return started.name
    return shlex.quote(str(started))


def ids(limit: int, scale: float, data: Path) -> str:
    """The command for ``limit`` container IDs of the demo data at ``scale`` in the folder ``data``."""
    words = ["data", "ids", "--limit", str(limit)]
    if scale != 1:
        words += ["--scale", f"{scale:g}"]
    if data != Path(load(ProcessSettings, os.environ).data_dir).expanduser().absolute():
        words += ["--data-dir", shlex.quote(str(data))]
    return " ".join([program(), *words])
