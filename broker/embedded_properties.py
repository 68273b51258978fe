"""Pure: the server properties of the embedded broker, each with its reason.

Rules: only loopback listeners; no topic appears by itself; nothing in the data folder depends on a port, so a folder may
be started on other ports the next time (static quorum voters, nothing about them is stored).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.topics import MAX_MESSAGE_BYTES

HOST = "127.0.0.1"
_DAY_MINUTES = 24 * 60
_LISTENER_MAP = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"


@dataclass(frozen=True, slots=True)
class Node:
    """One Kafka process: its id in the cluster and the two ports it listens at."""

    id: int
    port: int
    controller_port: int


def server_properties(node: Node, nodes: Sequence[Node], data: Path) -> dict[str, str]:
    """The properties of ``node`` in a cluster of ``nodes`` with its files under ``data``."""
    return {
        **_topology(node, nodes, data),
        **_internal_topics(len(nodes)),
        **_limits(),
        **_coordination(),
        **_log_keeping(),
        **_size(),
    }


def _topology(node: Node, nodes: Sequence[Node], data: Path) -> dict[str, str]:
    voters = ",".join(f"{each.id}@{HOST}:{each.controller_port}" for each in nodes)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port}",
        "listener.security.protocol.map": _LISTENER_MAP,
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data / "log"),
        # A client's metadata request must not bring back a topic that was just deleted.
        "auto.create.topics.enable": "false",
        "delete.topic.enable": "true",
    }


def _internal_topics(nodes: int) -> dict[str, str]:
    replicas = str(min(3, nodes))
    in_sync = str(min(2, nodes))
    # Kafka's default of 50 partitions each is for many brokers. Every one is a log to create before the first group or
    # transaction is answered: 0.48 s and 0.56 s with 50, 0.22 s and 0.24 s with 4. Later fencing takes 0.08 s in both.
    return {
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def _limits() -> dict[str, str]:
    return {
        "message.max.bytes": str(MAX_MESSAGE_BYTES),
        "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
        # A request holds one message of the largest size per partition that its sender leads here.
        "socket.request.max.bytes": str(8 * MAX_MESSAGE_BYTES),
    }


def _coordination() -> dict[str, str]:
    return {
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "group.max.session.timeout.ms": "1800000",
        # Must outlive the commands' retention (14 days), else a group begins anew behind commands still there.
        "offsets.retention.minutes": str(28 * _DAY_MINUTES),
        "transaction.max.timeout.ms": "900000",
        # How often timed-out transactions are looked for (default 10 s): until then they hide what follows them.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        # Each job has an id of its own, and Kafka would know it for 7 days, in its heap too (under 1 KB each). Who is still
        # there when its id is forgotten finds itself fenced and takes it anew.
        "transactional.id.expiration.ms": str(_DAY_MINUTES * 60_000),
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "6000",
    }


def _log_keeping() -> dict[str, str]:
    return {
        "log.segment.delete.delay.ms": "1000",
        "log.retention.check.interval.ms": "5000",
        # The first look at retention and at deleted logs, else half a minute after the start.
        "log.initial.task.delay.ms": "1000",
        # Compaction of three small topics: one thread, a buffer far below the default 128 MiB of heap.
        "log.cleaner.enable": "true",
        "log.cleaner.threads": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        "log.cleaner.backoff.ms": "5000",
    }


def _size() -> dict[str, str]:
    return {
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.replica.fetchers": "1",
        "background.threads": "4",
        "num.recovery.threads.per.data.dir": "2",
    }


def render(properties: Mapping[str, str]) -> str:
    """The properties as a Java properties file."""
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def log4j_properties(log: Path) -> str:
    """Log4j writes warnings, and what the server says of itself, to ``log``; 3 files of at most 10 MB."""
    return render(
        {
            "status": "error",
            "appender.file.type": "RollingFile",
            "appender.file.name": "file",
            "appender.file.fileName": str(log),
            "appender.file.filePattern": f"{log}.%i",
            "appender.file.layout.type": "PatternLayout",
            "appender.file.layout.pattern": "%d %p %c{1}: %m%n",
            "appender.file.policies.type": "SizeBasedTriggeringPolicy",
            "appender.file.policies.size": "10MB",
            "appender.file.strategy.type": "DefaultRolloverStrategy",
            "appender.file.strategy.max": "2",
            "rootLogger.level": "warn",
            "rootLogger.appenderRef.file.ref": "file",
            "logger.server.name": "kafka.server",
            "logger.server.level": "info",
        }
    )
