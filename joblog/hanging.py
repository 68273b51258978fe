"""Transactions that nobody will end (design: "Who writes what"; Kafka's KAFKA-20734).

Kafka ends a transaction by a marker in each of its partitions. Up to 4.4 its coordinator leaves out a partition that has no
leader at that moment, which is every one while a broker that stands alone begins again, and takes the transaction for ended all
the same. Its records then stand open: no committed reader gets past them, and the next marker of the same producer decides
about them.

Rules:
1. What stands open under an id that has just been taken is such a leftover: taking the id has ended everything that Kafka knows of.
   Who takes an id looks before it writes.
2. A leftover is aborted, and whoever wrote it does it again; but it is committed when something that was committed stands for it,
   or whoever ends it has committed it itself. So what was ended in one partition and left open in another comes out as one.
3. In a job's log one leftover may hold what was committed and, behind it, what was not. No reader has seen any of it: all of it is
   aborted.
4. The marker of a later transaction ends a leftover too, before anybody can look. So whoever takes a job reads its log from the
   newest message that the state counts. Where that is missing, the state goes back to what the log says
   (:func:`joblog.replay.is_missing`).
"""

from __future__ import annotations

from broker.fetch import Batch, LogReader
from joblog.ends import last_record
from joblog.protocol import was_stored
from joblog.replay import is_whole
from joblog.transactions import Transactor
from schemas.jobs import JobState


async def open_batches(reader: LogReader, topic: str, partition: int) -> list[Batch]:
    """The batches of transactions behind the last stable offset, of whatever producer. Raises as :meth:`LogReader.fetch`."""
    offsets = await reader.offsets(topic, partition)
    offset, found = offsets.last_stable, list[Batch]()
    while offset < offsets.end:
        fetched = await reader.fetch(topic, partition, offset, committed=False)
        found += [batch for batch in fetched.batches if batch.transactional and not batch.control]
        if fetched.next_offset <= offset:
            break
        offset = fetched.next_offset
    return found


async def leftover(reader: LogReader, taken: Transactor, topic: str, partition: int) -> list[Batch]:
    """What stands open in the partition under the id that was just taken."""
    batches = await open_batches(reader, topic, partition)
    return [batch for batch in batches if batch.producer_id == taken.producer_id]


async def end_left_states(
    reader: LogReader, taken: Transactor, topic: str, partition: int, known: int | None
) -> None:
    """Ends the states that stand open there under the id of their job, just taken; ``known`` is where the newest stands that
    this worker knows. Raises ``BrokerError``."""
    found = await leftover(reader, taken, topic, partition)
    if found:
        await taken.mark(topic, partition, commit=was_stored(found[-1].last_offset, known))


async def end_left_log(reader: LogReader, taken: Transactor, state: JobState) -> None:
    """Ends what stands open in the job's log under its id, just taken; ``state`` is the newest that was committed.
    Raises ``BrokerError``."""
    found = await leftover(reader, taken, state.topic, 0)
    if found:
        await taken.mark(state.topic, 0, commit=is_whole(state, found[-1].last_offset))


async def is_counted_there(reader: LogReader, state: JobState) -> bool:
    """Whether the newest message that ``state`` counts stands in the log for its readers, which is read to its end.
    Raises as :meth:`LogReader.fetch`."""
    newest = state.end_offset - 1
    return newest < 0 or await last_record(reader, state.topic, 0, newest + 1, start=newest) is not None
