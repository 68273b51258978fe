"""Topics and configurations: create, delete, list, describe.

Rules:

1. Creating a topic that exists and deleting one that does not are no errors, so that both may be repeated.
2. Both return when the brokers' metadata shows the result, without a fixed pause: a job's first record waits for it.
3. Metadata requests forbid auto-creation, so that asking about a topic never brings it into being.

Built on aiokafka's client and protocol classes and not on its admin client: that one sends to "the controller", which
under KRaft is any broker, asks a dead one again for 40 s, ignores the answers' error codes, and cannot forbid auto-creation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    NoError,
    NotControllerError,
    RequestTimedOutError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.api import Request
from aiokafka.protocol.metadata import MetadataRequest

from broker import clients
from broker.errors import Retriable, WrongPartitions, translated
from broker.settings import BrokerSettings
from schemas.topics import TopicSpec

DEADLINE = 30.0
_FIRST_PAUSE = 0.002
_LONGEST_PAUSE = 0.1
_ALL: Any = None


class Admin:
    """An administrator's connection; an async context manager. Errors are those of :mod:`broker.errors`."""

    def __init__(
        self, settings: BrokerSettings, *, client_id: str = "tracestream-admin", deadline: float = DEADLINE
    ) -> None:
        self._client = clients.client(settings, client_id=client_id, request_timeout=deadline)
        self._deadline = deadline

    async def __aenter__(self) -> Admin:
        await self.start()
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def start(self) -> None:
        """Connects. Raises :class:`~broker.errors.Retriable` when no bootstrap server answers."""
        with translated():
            await self._client.bootstrap()

    async def close(self) -> None:
        """Disconnects."""
        await self._client.close()

    async def create_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Creates the topics that do not exist yet and returns their names once every partition has a leader.

        An existing topic is left as it is; ``WrongPartitions`` when it has another number of partitions: keys would be hashed
        to others than those that wrote it. Raises ``Refused`` (configuration, rights) or ``Retriable``.
        """
        if not specs:
            return []
        topics: list[Any] = [
            (s.name, s.partitions, s.replication, [], list(s.configs.items())) for s in specs
        ]
        timeout = int(self._deadline * 1000)
        with translated():
            async with asyncio.timeout(self._deadline):
                answer = await self._send(CreateTopicsRequest(topics, timeout, False))
                created = [
                    name for name, code, text in answer.topic_errors if _done(name, code, text, _EXISTS)
                ]
                await self._until({spec.name: spec.partitions for spec in specs}, new=created)
        return created

    async def delete_topics(self, names: Collection[str]) -> list[str]:
        """Deletes the topics that exist and returns their names once the metadata no longer shows them."""
        if not names:
            return []
        with translated():
            async with asyncio.timeout(self._deadline):
                answer = await self._send(DeleteTopicsRequest(list(names), int(self._deadline * 1000)))
                deleted = [name for name, code in answer.topic_error_codes if _done(name, code, "", _UNKNOWN)]
                await self._until(dict.fromkeys(names, 0))
        return deleted

    async def list_topics(self) -> list[str]:
        """The names of all topics, Kafka's internal ones left out."""
        with translated():
            answer = await self._send(MetadataRequest(None, allow_auto_topic_creation=False))
        return sorted(topic[1] for topic in answer.topics if not topic[2])

    async def topic_configs(self, name: str) -> dict[str, str]:
        """The settings in force for a topic. Raises ``TopicGone``."""
        return await self._configs(ConfigResourceType.TOPIC, name, None)

    async def creates_topics_by_itself(self) -> bool:
        """Whether a broker has auto-creation on: clients' metadata requests then bring deleted topics back."""
        for node in self._nodes():
            found = await self._configs(
                ConfigResourceType.BROKER, str(node), node, ["auto.create.topics.enable"]
            )
            if found.get("auto.create.topics.enable") == "true":
                return True
        return False

    async def _configs(
        self, kind: ConfigResourceType, name: str, node: int | None, keys: Iterable[str] | None = None
    ) -> dict[str, str]:
        request = DescribeConfigsRequest([(kind, name, _ALL if keys is None else list(keys))], False)
        with translated():
            answer = await self._send(request, node)
            code, text, _, _, entries = answer.resources[0]
            _done(name, code, text, ())
        return {entry[0]: entry[1] for entry in entries}

    async def _until(self, partitions: Mapping[str, int], new: Collection[str] = ()) -> None:
        """Asks for metadata until every topic has that many partitions with a leader (0: until it is unknown).

        Raises ``WrongPartitions`` for one that is not ``new`` and has another number.
        """
        pause = _FIRST_PAUSE
        while True:
            answer = await self._send(MetadataRequest(list(partitions), allow_auto_topic_creation=False))
            for code, name, _, found in answer.topics:
                wanted = partitions[name]
                if wanted and name not in new and code == NoError.errno and len(found) != wanted:
                    raise WrongPartitions(
                        f"Topic {name} has {len(found)} partitions and not {wanted}: set TRACE_PARTITIONS to {len(found)}, or "
                        "choose another TRACE_TOPIC_PREFIX."
                    )
            if all(_shows(topic, partitions[topic[1]]) for topic in answer.topics):
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _nodes(self) -> list[int]:
        return [broker.nodeId for broker in self._client.cluster.brokers()]

    async def _send(self, request: Request[Any], node: int | None = None) -> Any:
        """Sends to ``node``, or to the first broker that answers: any of them forwards to the controller."""
        failure: KafkaError = KafkaConnectionError("No broker is known.")
        for each in self._nodes() if node is None else [node]:
            try:
                return await self._client.send(each, request)
            except (KafkaConnectionError, RequestTimedOutError, NotControllerError) as error:
                failure = error
            except KafkaError as error:
                if not error.retriable:
                    raise
                failure = error
        raise Retriable(str(failure)) from failure


_EXISTS = (TopicAlreadyExistsError.errno,)
_UNKNOWN = (UnknownTopicOrPartitionError.errno,)


def _done(name: str, code: int, text: str | None, harmless: tuple[int, ...]) -> bool:
    """True when it was done, False when there was nothing to do; raises aiokafka's error otherwise."""
    if code == NoError.errno:
        return True
    if code in harmless:
        return False
    raise for_code(code)(f"{name}: {text}" if text else name)


def _shows(topic: tuple[Any, ...], partitions: int) -> bool:
    code, _, _, found = topic
    if not partitions:
        return bool(code == UnknownTopicOrPartitionError.errno)
    led = [p for p in found if p[0] == NoError.errno and p[2] >= 0]
    return code == NoError.errno and len(led) >= partitions
