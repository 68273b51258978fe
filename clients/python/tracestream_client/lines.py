"""Pure: bytes into lines. The first layer, of use alone.

Only complete lines count: what stands behind the last line end of a body was cut off and comes again. Blank lines are
keep-alives. The parts of a line are kept in a list and joined once, so that a line costs what it is long, however it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tracestream_client.errors import NotTracestream

LONGEST = 64 << 20
"""Bytes of a line at most: the gateway's have 16 MiB. More means that something else answers, which must not fill the memory."""

TERMINAL = frozenset({"complete", "error", "cancelled"})
"""The types of the messages that end a log, exactly one of which does."""

_HEAD = re.compile(rb'\{"offset":(\d+),"type":"([a-z_]+)"')


class LineSplitter:
    """Pieces in, complete lines out, each with its line end; holds at most one incomplete line."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that ``piece`` completes, keep-alives too. Take all of them before the next piece.

        Raises NotTracestream for a line that is longer than ``longest``.
        """
        start = 0
        while (end := piece.find(b"\n", start) + 1) > 0:
            line = piece[start:end]
            if self._parts:
                self._parts.append(line)
                line = b"".join(self._parts)
                self._parts.clear()
                self._size = 0
            start = end
            yield line
        if start < len(piece):
            self._parts.append(piece[start:] if start else piece)
            self._size += len(piece) - start
            if self._size > self._longest:
                raise NotTracestream(f"A line has more than {self._longest:,} bytes: no gateway writes such.")


def head(line: bytes) -> tuple[int, str]:
    """The offset and type of a line, without parsing it. Raises NotTracestream."""
    match = _HEAD.match(line)
    if match is None:
        raise NotTracestream(f"No gateway answers here: this is no line of a job's log: {line[:80]!r}")
    return int(match[1]), match[2].decode("ascii")
