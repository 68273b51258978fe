"""Reads a job's stream to its end, whatever breaks on the way (design: promise 3).

Rules: a body without the terminal message is a cut, however properly it ended. After a cut the stream is asked for again from
one behind the last complete line, with back-off; a line is never handed on twice or in part. 204 means that nothing will follow.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import httpx

from tracestream.backoff import Backoff
from tracestream.client import Client, Unreachable
from tracestream.exits import CommandError, Exit
from tracestream.ndjson import Cursor, LineSplitter, NotALine

FIRST_PATIENCE = 30.0
"""Seconds of trying before the gateway has answered at all: long enough for one that is starting again."""

Report = Callable[[str], None]


async def follow(
    client: Client,
    job_id: str,
    cursor: Cursor,
    *,
    limit: int | None = None,
    patience: float = 120.0,
    report: Report = lambda _: None,
) -> AsyncGenerator[bytes, None]:
    """The lines from ``cursor.next`` to the terminal message, or ``limit`` of them, each with its line end.

    ``cursor`` moves with every line; ``report`` hears of cuts. Raises Unreachable when nothing comes for ``patience`` seconds of
    trying, Refused, and CommandError when something else than a gateway answers.
    """
    backoff = Backoff(random.uniform, patience=min(FIRST_PATIENCE, patience))
    left = limit
    while not cursor.ended and left != 0:
        retry_after: float | None = None
        reason = "the stream ended without its last message"
        try:
            async with client.stream(job_id, cursor.next, left) as response:
                backoff.patience = patience
                if response.status_code == httpx.codes.NO_CONTENT:
                    return
                async for line in _lines(response, cursor):
                    backoff.progress()
                    left = None if left is None else left - 1
                    yield line
                    if left == 0:
                        return
        except Unreachable as error:
            reason, retry_after = str(error), getattr(error, "retry_after", None)
        except NotALine as error:
            raise CommandError(f"{client.url} does not answer like a Tracestream gateway: {error}") from None
        if not cursor.ended:
            await _pause(backoff, reason, retry_after, cursor, report)


async def _lines(response: httpx.Response, cursor: Cursor) -> AsyncIterator[bytes]:
    splitter = LineSplitter()
    async for piece in response.aiter_bytes():
        for line in splitter.feed(piece):
            if cursor.take(line):
                yield line
        if cursor.ended:
            return


async def _pause(
    backoff: Backoff, reason: str, retry_after: float | None, cursor: Cursor, report: Report
) -> None:
    wait = backoff.next_wait(time.monotonic(), retry_after)
    if wait is None:
        raise CommandError(f"Gave up at offset {cursor.next}: {reason}", Exit.UNREACHABLE)
    report(f"{reason} Resuming from offset {cursor.next} in {wait:.1f} s.")
    await asyncio.sleep(wait)
