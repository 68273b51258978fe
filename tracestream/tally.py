"""Pure: counts what a job's stream holds, line by line, and finds what breaks the contract (design: "The job topic").

It keeps a counter by container and a digest, never a record; a line is parsed for its container IDs alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas import messages
from tracestream_client.lines import head


@dataclass(slots=True)
class DomainTally:
    """One domain: ``containers`` counts records by container ID; ``told`` is what ``domain_end`` says there were."""

    records: int = 0
    batches: int = 0
    containers: Counter[str] = field(default_factory=Counter)
    told: int | None = None
    null_rows: int = 0


class _Line(msgspec.Struct):
    domain: str = ""
    batch: int = 0
    total_records: int | None = None
    total_batches: int | None = None
    null_container_rows: int = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


_line = msgspec.json.Decoder(_Line)


class Tally:
    """``container_columns`` names the column of the container ID by domain. Feed it every line with :meth:`add`."""

    def __init__(self, container_columns: Mapping[str, str]) -> None:
        self.domains: dict[str, DomainTally] = {}
        self.faults: list[str] = []
        self.lines = 0
        self.bytes = 0
        self.terminal: str | None = None
        self.aggregation: bytes | None = None
        self._last_offset = -1
        self._digest = hashlib.sha256()
        self._rows = {name: _row_decoder(column) for name, column in container_columns.items()}

    @property
    def records(self) -> int:
        return sum(domain.records for domain in self.domains.values())

    @property
    def digest(self) -> str:
        """SHA-256 of all lines so far, offsets included."""
        return self._digest.hexdigest()

    def add(self, line: bytes) -> None:
        """Counts one line with its line end. Raises ``msgspec.MsgspecError`` and NotTracestream on what is not one of ours."""
        offset, kind = head(line)
        self._check(offset > self._last_offset, f"offset {offset} comes after {self._last_offset}")
        self._check(self.terminal is None, f"a line of type {kind} behind the last message")
        self._last_offset = offset
        self._digest.update(line)
        self.lines += 1
        self.bytes += len(line)
        if kind in messages.TERMINAL:
            self.terminal = kind
        elif kind != messages.META:
            self._add(kind, _line.decode(line))

    def _add(self, kind: str, line: _Line) -> None:
        if kind == messages.AGGREGATION:
            self.aggregation = bytes(line.data)
            return
        domain = self.domains.setdefault(line.domain, DomainTally())
        if kind == messages.RECORDS:
            self._check(
                line.batch == domain.batches + 1,
                f"{line.domain}: batch {line.batch} follows batch {domain.batches}",
            )
            rows = self._rows[line.domain].decode(line.data)
            self._check(bool(rows), f"{line.domain}: batch {line.batch} is empty")
            domain.batches = line.batch
            domain.records += len(rows)
            domain.containers.update(row.container for row in rows)
        elif kind == messages.DOMAIN_END:
            domain.told = line.total_records
            domain.null_rows = line.null_container_rows
            self._check(
                domain.told == domain.records,
                f"{line.domain}: {domain.records} records, its end says {domain.told}",
            )
            told = line.total_batches
            self._check(
                told == domain.batches, f"{line.domain}: {domain.batches} batches, its end says {told}"
            )

    def _check(self, good: bool, fault: str) -> None:
        if not good:
            self.faults.append(fault)


def _row_decoder(column: str) -> msgspec.json.Decoder[list[Any]]:
    row = msgspec.defstruct("Row", [("container", str, msgspec.field(name=column))])
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
