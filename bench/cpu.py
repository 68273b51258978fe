"""Processor time of processes, by pid."""

from __future__ import annotations

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
