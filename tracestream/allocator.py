"""Gives memory back: a long-lived process that handles pieces of megabytes keeps what its allocators cache otherwise.

glibc makes an arena a thread and raises its own thresholds as blocks are freed; both keep freed pieces in the process.
Bounded arenas and fixed thresholds cost a few percent of speed and save a worker about 50 MB (bench/README.md).
Arrow's own pool is replaced by glibc's for the same reason. Elsewhere than on glibc nothing is changed.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

# From malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_SETTINGS = ((_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, 256 * 1024), (_M_TRIM_THRESHOLD, 1024 * 1024))


def bound_memory() -> None:
    """Bounds what glibc's allocator keeps; call it before threads and large imports.

    With fixed thresholds each buffer of megabytes is mapped and faulted in anew. That costs a gateway 2.0 instead of 0.8 s of
    processor time for a GB replayed, and saves it 14 MB: not for gateways.
    """
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for setting, value in _SETTINGS:
            mallopt(setting, value)


def bound_arrow() -> None:
    """Lets Arrow allocate by glibc; call it in processes that use Arrow."""
    import pyarrow  # noqa: PLC0415 - not every process loads it

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
