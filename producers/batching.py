"""Where the records of a domain are cut into messages. Pure: encoded rows in, finished values out.

Rules:
1. A message has at most ``max_records`` records and its value at most ``max_bytes`` bytes, and never none.
2. A record that is larger by itself goes alone, up to ``max_record_bytes``; beyond that the job fails naming the container.
3. Records run across chunks; :meth:`BatchCutter.flush` closes the message at the end of a transaction or of the domain. A full
   message is closed only when more comes: were it the chunk's last, its header could not say that the chunk is whole.
4. Batches count from 1 and records from 0 in each domain; a cutter begun with the next of both goes on where a log ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from producers.encode import EncodedRows
from schemas.messages import RECORDS_SUFFIX, records_prefix
from schemas.problems import RecordTooLarge


@dataclass(frozen=True, slots=True)
class RecordsMessage:
    """One ``records`` message: ``value`` is its exact line, ``first`` the record offset of its first record."""

    batch: int
    first: int
    count: int
    value: bytes


class BatchCutter:
    """Cuts one domain's records. After an exception it must be thrown away."""

    def __init__(
        self,
        domain: str,
        *,
        max_records: int,
        max_bytes: int,
        max_record_bytes: int,
        container_column: str,
        next_batch: int = 1,
        next_record: int = 0,
    ) -> None:
        self._domain = domain
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._max_record_bytes = max_record_bytes
        self._container_column = container_column
        self.next_batch = next_batch
        self.next_record = next_record
        self._start()

    def _start(self) -> None:
        self._prefix = records_prefix(self._domain, self.next_batch)
        self._pieces: list[memoryview] = []
        self._count = 0
        # Each record brings a comma; the last one's is not written.
        self._size = len(self._prefix) + len(RECORDS_SUFFIX) - 1

    @property
    def pending(self) -> int:
        """Records taken in that are in no message yet."""
        return self._count

    def add(self, rows: EncodedRows) -> Iterator[RecordsMessage]:
        """Takes in records and yields each message that is full when the next record comes; the caller must read to the end."""
        taken = 0
        while taken < len(rows):
            fitting = self._fitting(rows, taken)
            if not fitting and self._count:
                yield self._close()
                continue
            self._take(rows, taken, taken + max(fitting, 1))
            taken += max(fitting, 1)

    def flush(self) -> Iterator[RecordsMessage]:
        """Yields what is pending as a message, if anything is."""
        if self._count:
            yield self._close()

    def _fitting(self, rows: EncodedRows, taken: int) -> int:
        """How many of the records from ``taken`` on fit into the open message by both bounds."""
        begin = int(rows.ends[taken - 1]) if taken else 0
        by_bytes = int(np.searchsorted(rows.ends, begin + self._max_bytes - self._size, side="right")) - taken
        return max(0, min(by_bytes, self._max_records - self._count))

    def _take(self, rows: EncodedRows, first: int, beyond: int) -> None:
        begin, end = (int(rows.ends[first - 1]) if first else 0), int(rows.ends[beyond - 1])
        self._size += end - begin
        if self._size > max(self._max_record_bytes, self._max_bytes):
            raise self._too_large(rows, first)
        self._pieces.append(rows.data[begin:end])
        self._count += beyond - first

    def _close(self) -> RecordsMessage:
        self._pieces[-1] = self._pieces[-1][:-1]
        value = b"".join((self._prefix, *self._pieces, RECORDS_SUFFIX))
        message = RecordsMessage(self.next_batch, self.next_record, self._count, value)
        self.next_batch += 1
        self.next_record += self._count
        self._start()
        return message

    def _too_large(self, rows: EncodedRows, index: int) -> RecordTooLarge:
        record = rows.record(index)
        container = msgspec.json.decode(record, type=dict[str, msgspec.Raw])[self._container_column]
        name = str(msgspec.json.decode(container))
        return RecordTooLarge(
            f"A record of container {name} in {self._domain} has {len(record)} bytes; a message holds {self._max_record_bytes}. "
            "Leave this container out, or have the domain's query leave out its large columns.",
            container=name,
            limit=self._max_record_bytes,
        )
