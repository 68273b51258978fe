"""What Ctrl-C, SIGTERM and a closed terminal do to ``up``, ``demo`` and ``kafka run``.

The first signal cancels the work, whose ``finally`` stops every child in good order. A second one asks for haste: ``hurry`` is
called, which kills them. Nothing interrupts the stopping itself.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from tracestream.exits import Exit

_THREAD_PATIENCE = 1.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Raised in a worker thread's progress callback to end it: the user does not want its result any more."""


def run(work: Callable[[], Coroutine[Any, Any, int]], hurry: Callable[[], None]) -> int:
    """Runs ``work`` until it ends or a signal comes; the exit code is its own or INTERRUPTED.

    A thread that is still in the middle of something (a download that hangs) does not hold the end up.
    """
    loop = asyncio.new_event_loop()
    try:
        code = loop.run_until_complete(_supervised(work, hurry))
        loop.run_until_complete(loop.shutdown_asyncgens())
        if not loop.run_until_complete(_threads_end(loop)):
            _leave_without_threads(code)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        loop.close()
    return code


async def until_stopped() -> None:
    """Waits for the first signal; returning from it ends ``work`` in the ordinary way, with an exit code of its own."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def _supervised(work: Callable[[], Coroutine[Any, Any, int]], hurry: Callable[[], None]) -> int:
    loop = asyncio.get_running_loop()
    task: asyncio.Task[int] = asyncio.ensure_future(work())
    signalled = False

    def on_signal() -> None:
        nonlocal signalled
        if signalled:
            hurry()
        else:
            signalled = True
            task.cancel()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        return Exit.INTERRUPTED
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


async def _threads_end(loop: asyncio.AbstractEventLoop) -> bool:
    ending = asyncio.ensure_future(loop.shutdown_default_executor())
    done, _ = await asyncio.wait({ending}, timeout=_THREAD_PATIENCE)
    return bool(done)


def _leave_without_threads(code: int) -> None:
    """The interpreter would wait for the busy thread: if it does, end without."""
    leaving = threading.Timer(_THREAD_PATIENCE, os._exit, (int(code),))
    leaving.daemon = True
    leaving.start()
