"""Writes ``trace.commands``: one record a request, acknowledged by all replicas (design: "Submit").

What a caller learns is one of three things: the place of the record; a problem that says nothing was written; or OutcomeUnknown,
when the record may or may not stand there. A command may stand twice: the second one changes nothing.
"""

from __future__ import annotations

from broker.append import Appender
from broker.errors import BrokerError, Refused, TooLarge, TopicGone
from broker.recordbatch import Headers, encode_batch
from broker.settings import BrokerSettings
from schemas.jobs import CommandPlace
from schemas.problems import BodyTooLarge, BrokerUnavailable, OutcomeUnknown
from schemas.topics import Names, partition_of

_RETRY_AFTER = 2


def encode_command(job_id: str, headers: Headers, value: bytes | None = None, *, timestamp: int) -> bytes:
    """The record, ready to be appended; ``timestamp`` in milliseconds since the epoch. Pure: megabytes belong into a thread."""
    return encode_batch(job_id.encode("ascii"), value, headers, timestamp)


class CommandLog:
    """Appends commands; ``deadline`` in seconds bounds an append."""

    def __init__(self, broker: BrokerSettings, deadline: float) -> None:
        self._appender = Appender(broker, client_id="tracestream-gateway-commands", deadline=deadline)
        self._topic = Names(broker.prefix).commands
        self._partitions = broker.partitions

    async def close(self) -> None:
        await self._appender.close()

    async def append(self, job_id: str, command: bytes) -> CommandPlace:
        """Returns when all replicas have the command. Raises BrokerUnavailable or BodyTooLarge (nothing was written), or
        OutcomeUnknown."""
        partition = partition_of(job_id, self._partitions)
        try:
            offset = await self._appender.append(self._topic, partition, command)
        except TooLarge as error:
            raise BodyTooLarge(
                f"The container IDs do not fit into one Kafka message ({error}). Split them into several jobs."
            ) from error
        except (Refused, TopicGone) as error:
            raise BrokerUnavailable(
                f"Kafka does not take commands ({error}). Nothing was written.", retry_after=_RETRY_AFTER
            ) from error
        except BrokerError as error:
            raise OutcomeUnknown(
                f"Kafka did not confirm in time ({error}). Repeat the request with the same Idempotency-Key.",
                retry_after=_RETRY_AFTER,
            ) from error
        return CommandPlace(partition, offset)
