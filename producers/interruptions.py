"""What reaches a job from outside while it works: commands, the drain, and the wish that it lets go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from joblog.protocol import Inbox
from schemas.jobs import JobState


class Interruptions:
    """One for each run of a job. ``inbox`` holds the commands; ``draining`` asks it to stop at its next border."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.draining = False
        self._letting_go = False
        self._nudge = asyncio.Event()

    def nudge(self) -> None:
        """Something about the job has changed: a command came in."""
        self._nudge.set()

    def drain(self) -> None:
        """Stop at the next border: the worker is leaving."""
        self.draining = True
        self._nudge.set()

    def let_go(self) -> None:
        """Don't wait for the border any more: drop what is uncommitted."""
        self._letting_go = True
        self.drain()

    def seen(self) -> None:
        """What came in so far is about to be looked at."""
        self._nudge.clear()

    async def before(self, work: Awaitable[Any]) -> bool:
        """Waits for ``work`` unless something comes in before it is done: then it is cancelled, and the answer is True."""
        task = asyncio.ensure_future(work)
        nudge = asyncio.create_task(self._nudge.wait())
        try:
            await asyncio.wait({task, nudge}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudge.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            self._nudge.clear()
            return True
        await task
        return False

    async def stopped(self, work: Coroutine[Any, Any, Any], state: Callable[[], JobState]) -> bool:
        """Waits for ``work``; when a cancel or delete comes in, or the job is let go, it is cancelled, and the answer is True.

        The drain and a changed life are seen to at the next border and don't cancel it.
        """
        task = asyncio.create_task(work)
        try:
            while not task.done():
                if self._letting_go or self.inbox.wants_end(state()):
                    task.cancel()
                    await asyncio.wait({task})
                    return True
                nudge = asyncio.create_task(self._nudge.wait())
                try:
                    await asyncio.wait({task, nudge}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    nudge.cancel()
                self._nudge.clear()
            await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        return False
