"""The seam between a worker and a database.

    SourceError                   names what went wrong, a code and what to do
    ├── SourceUnavailable         retryable: the database cannot be reached, or not now
    ├── SourceTimeout             retryable: it took too long
    ├── SnapshotLost              the job's snapshot is gone; reading on would mix two states of the data
    └── SourceFailed              the query or its result is at fault; repeating changes nothing

A source is opened once a process and shared by all jobs. Concurrent fetches are independent of each other.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar, Protocol

import pyarrow as pa

from catalogue.domain import Domain
from schemas.values import Column


class SourceError(Exception):
    """The database could not answer.

    ``code`` is the database's own (``ORA-00942``) or empty; ``hint`` a sentence that says what to do, or empty.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.code = code
        self.hint = hint


class SourceUnavailable(SourceError):
    """The database cannot be reached, or not now."""

    retryable = True


class SourceTimeout(SourceError):
    """The database took too long."""

    retryable = True


class SnapshotLost(SourceError):
    """The database no longer has the snapshot the job began with."""


class SourceFailed(SourceError):
    """The query or its result is at fault."""


class Source(Protocol):
    """A database that answers domains. Every method raises SourceError and nothing else of the driver's."""

    async def open(self) -> None:
        """Connect. May be called again after a SourceUnavailable."""

    async def close(self) -> None:
        """Interrupt what runs and leave neither connection nor thread behind."""

    async def snapshot(self) -> int | None:
        """What names the present state of the data (Oracle's SCN); None where the source has no such thing."""

    async def columns(self, domain: Domain) -> tuple[Column, ...]:
        """The columns of the domain's records in order, without reading a row.

        Raises SourceFailed for a type without a rule, a name that is there twice, a missing container column.
        """

    def fetch_events_iter(
        self, container_ids: Sequence[str], domain: Domain, batch_size: int, *, snapshot: int | None = None
    ) -> AsyncGenerator[pa.RecordBatch, None]:
        """The rows of up to ``domain.chunk_size`` containers as batches of at most ``batch_size`` rows, as they arrive.

        Holds the memory of a batch or two, whatever the chunk has. Cancelling the task or closing the generator
        interrupts the running query within a second; use ``contextlib.aclosing``.
        """


def check_columns(domain: Domain, columns: Sequence[Column]) -> None:
    """Raises SourceFailed when records of these columns could not be written or not be attributed to a container."""
    names = [column.name for column in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceFailed(
            f"Domain {domain.name} has the column {twice[0]} twice.",
            hint="Give each column a name of its own.",
        )
    if domain.container_column not in names:
        raise SourceFailed(
            f"Domain {domain.name} has no column {domain.container_column}, which its container_id names.",
            hint=f"Its columns are {', '.join(names)}.",
        )
