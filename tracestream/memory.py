"""The highest resident memory of a process: Linux keeps it (VmHWM); elsewhere the present one stands in for it."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_memory(pid: int) -> int:
    """Bytes; 0 where the process is gone."""
    with suppress(OSError):
        if match := _PEAK.search(Path(f"/proc/{pid}/status").read_text("ascii", "replace")):
            return int(match[1]) * 1024
        return 0
    return _resident(pid)


def _resident(pid: int) -> int:
    import psutil  # noqa: PLC0415 - needed on systems without /proc alone

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
