"""System change numbers: the clock of the database, by which a query can ask for what was."""

from __future__ import annotations

from bisect import bisect_right

from tests.oracle.errors import OracleError

FIRST = 8_589_934_592
"""Beyond 32 bits, as in a database that has been up for long."""


class Clock:
    """Moves on with every change, and a little by itself."""

    def __init__(self) -> None:
        self._now = FIRST
        self._horizon = FIRST
        self._changes: list[int] = []

    def read(self) -> int:
        """The SCN of this moment; later ones are greater."""
        self._now += 1
        return self._now

    def change(self) -> int:
        """The SCN of a change: who reads as of it, or later, sees the change."""
        self._changes.append(self.read())
        return self._changes[-1]

    def state(self, scn: int | None) -> int:
        """How many changes a query as of then sees: two with the same number see the same. None is the present."""
        return len(self._changes) if scn is None else bisect_right(self._changes, scn)

    def forget(self) -> None:
        """As if the undo had been overwritten: what was before now can't be read any more."""
        self._horizon = self.read()

    def check(self, scn: int) -> None:
        """Raises ORA-08181 for an SCN that has not been yet, ORA-01555 for one too long ago."""
        if scn > self._now:
            raise OracleError(8181)
        if scn < self._horizon:
            raise OracleError(1555)
