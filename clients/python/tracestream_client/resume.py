"""Pure: how one log is read to its end whatever breaks on the way. The sync and the async client ask this what to do next.

Rules (docs/api.md, Stream):
1. A body is whole when its last message is terminal. Any other end is a cut, however properly it ended.
2. After a cut the stream is asked for again from one behind the last message that the consumer took, with back-off. What stands
   behind the last line end of a body is thrown away.
3. A message at an offset already passed is left out: each comes once, in order, whatever a server repeats.
4. A complete line, a keep-alive too, is progress. Tries in a row that bring none are bounded: half a line again and again is none.
5. 204 says that nothing will follow.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from tracestream_client.backoff import Backoff, Retry
from tracestream_client.errors import (
    ConnectionLost,
    Interrupted,
    JobExpired,
    NotTracestream,
    ServiceProblem,
    TracestreamError,
)
from tracestream_client.lines import TERMINAL, LineSplitter, head
from tracestream_client.messages import Reader
from tracestream_client.operations import Answer, check

NDJSON = "application/x-ndjson"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Resuming:
    """A stream is about to be asked for again: from ``offset``, after ``wait`` seconds, because of ``reason``."""

    offset: int
    wait: float
    reason: TracestreamError


class Resume(Generic[T]):
    """One reading from ``offset`` of at most ``limit`` messages; ``reader`` makes of each line what the consumer gets.

    In turns: :meth:`ask`; send it; :meth:`answered`; :meth:`feed` for each piece of the body; :meth:`ended` when there are no more.
    With ``pull_lines`` each request asks for so many messages at most, and the end of a body behind the last of them is no cut.
    Raises ValueError for a negative ``offset`` and a ``limit`` or ``pull_lines`` below 1.
    """

    def __init__(
        self,
        reader: Reader[T],
        retry: Retry,
        *,
        offset: int = 0,
        limit: int | None = None,
        pull_lines: int | None = None,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        for name, value, least in (("offset", offset, 0), ("limit", limit, 1), ("pull_lines", pull_lines, 1)):
            if value is not None and value < least:
                raise ValueError(f"{name} is {value}; it must be at least {least}.")
        self.offset = offset
        """Where to go on: one behind the last message that the consumer has taken whole."""
        self.terminal: str | None = None
        """The type of the log's last message, once it was taken."""
        self.resumed = 0
        """How often the stream was asked for again after a cut."""
        self._reader = reader
        self._left = limit
        self._pull_lines = pull_lines
        self._asked: int | None = None
        self._nothing_follows = False
        self._backoff = Backoff(retry, draw)
        self._splitter = LineSplitter()

    @property
    def over(self) -> bool:
        return self.terminal is not None or self._left == 0 or self._nothing_follows

    def failure(self) -> TracestreamError | None:
        """What the consumer has to hear at the end, if anything."""
        return self._reader.failure()

    def ask(self) -> dict[str, str]:
        """The parameters of the next request."""
        self._splitter = LineSplitter()
        bounds = [bound for bound in (self._left, self._pull_lines) if bound is not None]
        self._asked = min(bounds, default=None)
        return {"offset": str(self.offset)} | ({} if self._asked is None else {"limit": str(self._asked)})

    def answered(self, answer: Answer) -> None:
        """The head of the answer came, with the body where the status is not 200. Raises ProblemError, NotTracestream."""
        try:
            check(answer)
        except JobExpired as error:
            error.offset = self.offset
            raise
        kind = answer.headers.get("content-type", NDJSON)
        if answer.status == 200 and not kind.startswith(NDJSON):
            raise NotTracestream(
                f"The answer is {kind}, not {NDJSON}: something else answers at this address."
            )
        self._nothing_follows = answer.status == 204

    def feed(self, piece: bytes) -> Iterator[T]:
        """What ``piece`` completes; each counts as taken when it comes out. Raises NotTracestream."""
        for line in self._splitter.feed(piece):
            if line.isspace():
                self._backoff.progress()
                continue
            offset, kind = head(line)
            if offset < self.offset or self.over:
                continue
            items = self._reader.read(line, kind)
            yield from items[:-1]
            self._took(offset, kind)
            yield from items[-1:]

    def ended(self, reason: TracestreamError | None, now: float) -> Resuming | None:
        """The body is at its end, or there was none, because of ``reason`` (None: it looked proper) at ``now`` on a monotonic
        clock. None: ask again at once. Raises ``reason``, or ConnectionLost because of it, when there were tries enough.
        """
        if self._asked == 0:
            return None
        reason = reason or Interrupted("The stream ended without its last message.")
        retry_after = reason.retry_after if isinstance(reason, ServiceProblem) else None
        wait = self._backoff.next_wait(now, retry_after)
        if wait is None:
            self._backoff.begin()
            raise last_error(reason, self.offset)
        self.resumed += 1
        return Resuming(self.offset, wait, reason)

    def _took(self, offset: int, kind: str) -> None:
        self._backoff.progress()
        self.offset = offset + 1
        if self._left is not None:
            self._left -= 1
        if self._asked is not None:
            self._asked -= 1
        if kind in TERMINAL:
            self.terminal = kind


def last_error(reason: TracestreamError, offset: int | None = None) -> TracestreamError:
    """What is raised when trying again is over."""
    if not isinstance(reason, Interrupted):
        return reason
    lost = ConnectionLost(str(reason) if offset is None else f"Gave up at offset {offset}. {reason}", offset)
    lost.__cause__ = reason
    return lost
