"""Pure: the lines of a job's stream as a client sees them, without parsing their data.

Only complete lines count: what stands behind the last line end of a body is a cut and comes again. Blank lines are
keep-alives and are dropped. Every other line begins with ``{"offset":N,"type":"…"`` (design: "HTTP", Streams).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.messages import TERMINAL

_HEAD = re.compile(rb'\{"offset":(\d+),"type":"([a-z_]+)"')


class NotALine(ValueError):
    """A line that no gateway of ours writes: most likely something else answers at this address."""


class LineSplitter:
    """Bytes in, complete lines out, each with its line end. Holds at most one incomplete line."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that ``piece`` completes, keep-alives left out."""
        start = 0
        while (end := piece.find(b"\n", start) + 1) > 0:
            self._parts.append(piece[start:end])
            line = b"".join(self._parts) if len(self._parts) > 1 else self._parts[0]
            self._parts.clear()
            start = end
            if line.strip():
                yield line
        if start < len(piece):
            self._parts.append(piece[start:])


def head(line: bytes) -> tuple[int, str]:
    """The offset and type of a line. Raises :class:`NotALine`."""
    match = _HEAD.match(line)
    if match is None:
        raise NotALine(f"not a line of a job's stream: {line[:80]!r}")
    return int(match[1]), match[2].decode("ascii")


class Cursor:
    """Where a reader is: ``next`` is the offset to ask for, ``ended`` says that the terminal message was seen.

    A line at an offset already seen is refused (False), so that a reader gets each once whatever a server repeats.
    """

    def __init__(self, offset: int = 0) -> None:
        self.next = offset
        self.terminal: str | None = None

    @property
    def ended(self) -> bool:
        return self.terminal is not None

    def take(self, line: bytes) -> bool:
        """Moves behind ``line``. Raises :class:`NotALine`."""
        offset, kind = head(line)
        if offset < self.next or self.ended:
            return False
        self.next = offset + 1
        if kind in TERMINAL:
            self.terminal = kind
        return True
