"""One broker at a time on a data folder.

Kafka's own lock comes too late: its controller has already written to the metadata log of the other one when its broker
finds the folder taken. Ours is handed down to the child, so that the kernel drops it exactly when that process ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from broker.errors import EmbeddedBrokerError

_PATIENCE = 5.0
_POLL = 0.05


@asynccontextmanager
async def data_lock(data: Path) -> AsyncIterator[int]:
    """A locked file descriptor for the child to inherit; closed here at the end, which leaves the lock to the child.

    Waits a moment for a broker whose parent was just killed. Raises :class:`EmbeddedBrokerError` when the folder is taken.
    """
    descriptor = os.open(data / "in-use.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        waited = 0.0
        while not _taken(descriptor):
            if waited >= _PATIENCE:
                raise EmbeddedBrokerError(f"Another broker uses {data}.")
            await asyncio.sleep(_POLL)
            waited += _POLL
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
