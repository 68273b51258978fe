"""Transactions that nobody will end (design: "Who writes what"; Kafka's KAFKA-20734).

Kafka ends a transaction by a marker in each of its partitions. Up to 4.4 its coordinator leaves out a partition that has no
leader at that moment, which is every one while a broker that stands alone begins again, and takes the transaction for ended all
the same. Its records then stand open: no committed reader gets past them, and the next marker of the same producer decides
about them.

Rules:
1. What stands open under an id that has just been taken is such a leftover: taking the id has ended everything that Kafka knows of.
   Who takes an id looks before it writes.
2. A leftover is aborted, and whoever wrote it does it again; but it is committed when something that was committed stands for it.
   So what was ended in one partition and left open in another comes out as one.
3. In a job's log one leftover may hold what was committed and, behind it, what was not. No reader has seen any of it: all of it is
   aborted, and the state goes back to what the log then says.
"""

from __future__ import annotations

from broker.fetch import Batch, LogReader
from joblog.replay import rewound
from joblog.transactions import Transactor
from schemas.jobs import JobState


async def open_batches(reader: LogReader, topic: str, partition: int) -> list[Batch]:
    """The batches behind the last stable offset, of whatever producer. Raises as :meth:`LogReader.fetch`."""
    offsets = await reader.offsets(topic, partition)
    offset, found = offsets.last_stable, list[Batch]()
    while offset < offsets.end:
        fetched = await reader.fetch(topic, partition, offset, committed=False)
        found += [batch for batch in fetched.batches if not batch.control]
        if fetched.next_offset <= offset:
            break
        offset = fetched.next_offset
    return found


async def leftover(reader: LogReader, taken: Transactor, topic: str, partition: int) -> list[Batch]:
    """What stands open in the partition under the id that was just taken."""
    batches = await open_batches(reader, topic, partition)
    return [batch for batch in batches if batch.producer_id == taken.producer_id]


async def abort_leftover(reader: LogReader, taken: Transactor, topic: str, partition: int) -> None:
    """Aborts what stands open there under the id that was just taken. Raises ``BrokerError``."""
    if await leftover(reader, taken, topic, partition):
        await taken.mark(topic, partition, commit=False)


async def end_log_leftover(reader: LogReader, taken: Transactor, state: JobState) -> JobState:
    """Ends what stands open in the job's log under its id, just taken; ``state`` is the newest that was committed.

    Answers the state to read the log on from: another one when a part of what it counts had to be given up. Raises ``BrokerError``.
    """
    found = await leftover(reader, taken, state.topic, 0)
    if not found:
        return state
    whole = found[-1].last_offset < state.end_offset
    await taken.mark(state.topic, 0, commit=whole)
    return rewound(state) if not whole and found[0].base_offset < state.end_offset else state
