"""Names, partitions and settings of every topic, group and transactional id, as data (design: "Topics").

Rules: ``commands``, ``jobs`` and ``results`` share one partition count and one key hash, so that the owner of a partition
of one owns the same partition of the others. A job's topic has one partition and no retention of its own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka.partitioner import murmur2

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message of any topic; a record is at most 15 MiB, the rest is for its frame."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic to create: ``partitions`` and ``replication`` are counts, ``configs`` are Kafka topic settings."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """Every name a deployment uses, from its prefix (default ``trace.``)."""

    prefix: str = "trace."

    @property
    def commands(self) -> str:
        return f"{self.prefix}commands"

    @property
    def jobs(self) -> str:
        return f"{self.prefix}jobs"

    @property
    def results(self) -> str:
        return f"{self.prefix}results"

    @property
    def workers(self) -> str:
        """The consumer group of the producer workers."""
        return f"{self.prefix}workers"

    @property
    def processors(self) -> str:
        """The faust application id, which is also the processors' consumer group."""
        return f"{self.prefix}processors"

    def job(self, job_id: str) -> str:
        """The topic of one job."""
        return f"{self.prefix}job.{job_id}"

    def job_id(self, topic: str) -> str | None:
        """The job whose topic this is; None for any name that is not exactly ``<prefix>job.<uuid>``."""
        start = f"{self.prefix}job."
        rest = topic.removeprefix(start)
        return rest if topic.startswith(start) and _UUID.fullmatch(rest) else None

    def admit_id(self, partition: int) -> str:
        """The transactional id that admits submits of one partition."""
        return f"{self.prefix}admit.{partition}"

    def writer_id(self, job_id: str) -> str:
        """The transactional id that belongs to one job: whoever takes it fences the former writer."""
        return f"{self.prefix}job.{job_id}"


def partition_of(job_id: str, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives the key ``job_id`` (murmur2, sign bit off)."""
    return (int(murmur2(job_id.encode("ascii"))) & 0x7FFFFFFF) % partitions


def is_job_id(text: str) -> bool:
    """Whether ``text`` is a lower-case UUID in its canonical form."""
    return _UUID.fullmatch(text) is not None


def keyed_job_id(principal: str, key: str) -> str:
    """The job id of a submit with an Idempotency-Key: UUIDv5, the same at every gateway (RFC 9562)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:tracestream:{len(principal)}:{principal}:{key}"))


def new_job_id(unix_ms: int, random: bytes) -> str:
    """A UUIDv7 from a time in milliseconds and 10 random bytes (RFC 9562, section 5.7): ids sort by time."""
    head = unix_ms.to_bytes(6, "big") + random[:10]
    value = int.from_bytes(head, "big")
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def shared_topics(
    names: Names, partitions: int, replication: int, min_insync: int, command_retention: float
) -> tuple[TopicSpec, ...]:
    """The three shared topics; ``command_retention`` in seconds."""
    common = {"min.insync.replicas": str(min_insync), "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    retention_ms = max(1000, int(command_retention * 1000))
    commands = {
        **common,
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "segment.ms": str(max(1000, min(retention_ms // 4, 3_600_000))),
    }
    compact = {
        **common,
        "cleanup.policy": "compact",
        "segment.bytes": str(16 * 1024 * 1024),
        "segment.ms": "3600000",
        "min.cleanable.dirty.ratio": "0.1",
    }
    return (
        TopicSpec(names.commands, partitions, replication, commands),
        TopicSpec(names.jobs, partitions, replication, compact),
        TopicSpec(names.results, partitions, replication, compact),
    )


def job_topic(names: Names, job_id: str, replication: int, min_insync: int) -> TopicSpec:
    """The topic of one job: one partition, kept until the job expires."""
    configs = {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "min.insync.replicas": str(min_insync),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }
    return TopicSpec(names.job(job_id), 1, replication, configs)
