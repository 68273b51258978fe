"""A session's cursors: statements that were parsed, and where their rows are."""

from __future__ import annotations

from dataclasses import dataclass

from tests.oracle.binds import Described
from tests.oracle.errors import OracleError
from tests.oracle.rows import Defines, Recording
from tests.oracle.types import Column


@dataclass(slots=True)
class Cursor:
    number: int
    sql: str
    binds: tuple[Described, ...] = ()
    defines: Defines = None
    columns: tuple[Column, ...] | None = None
    """Of a query, once it is described or executed."""
    described: bytes = b""
    """What the client was told of the columns."""
    recording: Recording | None = None
    """Of a query, once it is executed."""
    sent: int = 0
    """How many of its rows the client has."""

    def take(self, recording: Recording) -> None:
        """A new result, of which nothing has been sent."""
        self.columns, self.recording, self.sent = recording.columns, recording, 0


class Cursors:
    def __init__(self) -> None:
        self._open: dict[int, Cursor] = {}
        self._last = 0

    def open(self, sql: str) -> Cursor:
        self._last += 1
        cursor = self._open[self._last] = Cursor(self._last, sql)
        return cursor

    def get(self, number: int) -> Cursor:
        """Raises ORA-01001 for one that is not open."""
        if number not in self._open:
            raise OracleError(1001)
        return self._open[number]

    def binds_of(self, number: int) -> tuple[Described, ...]:
        return self.get(number).binds

    def close(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            self._open.pop(number, None)

    def __len__(self) -> int:
        return len(self._open)
