"""A record batch that is compressed before aiokafka's producer gets it, so that its event loop has nothing left to do but send.

The producer still gives the batch its place: transaction, producer id, epoch and sequence number stand in the head, which is
written when the batch goes out. :class:`PreparedBatch` has just the methods that the producer calls of its own ``BatchBuilder``.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.recordbatch import Content, Headers, Records, batch, pack


class PreparedBatch:
    """One record, for ``AIOKafkaProducer.send_batch`` of a transactional producer, or of one that is idempotent only.
    ``timestamp`` in ms since the epoch."""

    def __init__(self, records: Records, timestamp: int, *, transactional: bool = True) -> None:
        self._records = records
        self._timestamp = timestamp
        self._transactional = transactional
        self._place = (-1, -1, -1)
        self._buffer: bytes | None = None

    @classmethod
    def of(
        cls,
        key: bytes | None,
        value: Content,
        headers: Headers,
        timestamp: int,
        *,
        transactional: bool = True,
    ) -> PreparedBatch:
        """Compresses the record; call it in a thread."""
        return cls(pack(key, value, headers), timestamp, transactional=transactional)

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Sequence[object] = ()
    ) -> None:
        """None: the batch is full, as the producer's own would say."""

    def close(self) -> None:
        """It always is."""

    def closed(self) -> bool:
        return True

    def record_count(self) -> int:
        return 1

    def size(self) -> int:
        return len(self._records.content)

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._place = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:
        if self._buffer is None:
            producer_id, epoch, sequence = self._place
            self._buffer = batch(
                self._records,
                self._timestamp,
                transactional=self._transactional,
                producer_id=producer_id,
                epoch=epoch,
                sequence=sequence,
            )
        return self._buffer
