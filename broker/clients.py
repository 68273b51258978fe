"""aiokafka's clients with our defaults: the largest message of the contract, acks by all, zstd, explicit commits.

Rules: every client is built here, so that one place knows how to reach the cluster. The caller starts and stops it. All
of them are built inside a running event loop and belong to it.
"""

from __future__ import annotations

import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from broker.settings import BrokerSettings
from schemas.topics import MAX_MESSAGE_BYTES

__all__ = [
    "HEARTBEAT",
    "LARGEST_SEND",
    "TopicPartition",
    "client",
    "connection",
    "consumer",
    "group_consumer",
    "producer",
]

REQUEST_TIMEOUT = 30.0
TRANSACTION_TIMEOUT = 60.0
SESSION_TIMEOUT = 10.0
HEARTBEAT = 1.0
"""Seconds between two heartbeats at most: a rebalance waits for the next one of every member."""
FETCH_MAX_WAIT = 0.5
_RETRY_BACKOFF_MS = 50
_BATCH_BYTES = 16 * 1024
LARGEST_SEND = MAX_MESSAGE_BYTES - 64 * 1024
"""Key, value and headers of the largest record that a producer takes, in bytes. What zstd adds to bytes that cannot be
compressed, and the frame of the batch, still fit into the broker's limit, so that an oversize record is told at once."""


def connection(
    settings: BrokerSettings, client_id: str, request_timeout: float = REQUEST_TIMEOUT
) -> dict[str, Any]:
    """The keyword arguments that all of aiokafka's clients share: where, as whom, how patiently (seconds)."""
    tls = settings.security_protocol in ("SSL", "SASL_SSL")
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": client_id,
        "request_timeout_ms": int(request_timeout * 1000),
        "retry_backoff_ms": _RETRY_BACKOFF_MS,
        "security_protocol": settings.security_protocol,
        "ssl_context": ssl.create_default_context(cafile=settings.ca_file) if tls else None,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
    }


def client(
    settings: BrokerSettings, *, client_id: str = "tracestream", request_timeout: float = REQUEST_TIMEOUT
) -> AIOKafkaClient:
    """The low-level client that sends single requests; call ``bootstrap()`` first and ``close()`` last."""
    return AIOKafkaClient(**connection(settings, client_id, request_timeout))


def producer(
    settings: BrokerSettings,
    *,
    client_id: str = "tracestream",
    transactional_id: str | None = None,
    transaction_timeout: float = TRANSACTION_TIMEOUT,
    request_timeout: float = REQUEST_TIMEOUT,
    batch_bytes: int = _BATCH_BYTES,
) -> AIOKafkaProducer:
    """An idempotent producer; transactional when ``transactional_id`` is given (``start()`` then fences its holder).

    A record larger than ``batch_bytes`` gets a record batch of its own; with 1, every record does. Times in seconds.
    """
    return AIOKafkaProducer(
        **connection(settings, client_id, request_timeout),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_request_size=LARGEST_SEND,
        max_batch_size=batch_bytes,
        transactional_id=transactional_id,
        transaction_timeout_ms=int(transaction_timeout * 1000),
    )


def consumer(
    settings: BrokerSettings,
    *,
    client_id: str = "tracestream",
    committed: bool = True,
    offset_reset: str = "none",
    fetch_max_wait: float = FETCH_MAX_WAIT,
    request_timeout: float = REQUEST_TIMEOUT,
) -> AIOKafkaConsumer:
    """A consumer without a group: the caller assigns partitions and seeks.

    ``committed`` reads committed records only; without it also those of open and aborted transactions. ``offset_reset``
    is "earliest", "latest" or "none" (an offset that is gone raises). Times in seconds.
    """
    return AIOKafkaConsumer(
        **connection(settings, client_id, request_timeout),
        **_fetching(committed, offset_reset, fetch_max_wait),
    )


def group_consumer(
    settings: BrokerSettings,
    group: str,
    topics: list[str],
    *,
    client_id: str = "tracestream",
    listener: ConsumerRebalanceListener | None = None,
    committed: bool = True,
    offset_reset: str = "earliest",
    session_timeout: float = SESSION_TIMEOUT,
    fetch_max_wait: float = FETCH_MAX_WAIT,
) -> AIOKafkaConsumer:
    """A member of ``group`` with a sticky assignor that commits nothing by itself; subscribed, not yet started.

    A member that is silent for ``session_timeout`` seconds loses its partitions.
    """
    built = AIOKafkaConsumer(
        **connection(settings, client_id),
        **_fetching(committed, offset_reset, fetch_max_wait),
        group_id=group,
        session_timeout_ms=int(session_timeout * 1000),
        heartbeat_interval_ms=int(min(HEARTBEAT, session_timeout / 4) * 1000),
        rebalance_timeout_ms=int(session_timeout * 1000),
        partition_assignment_strategy=(_own_sticky_assignor(),),
    )
    built.subscribe(topics, listener=listener)
    return built


def _fetching(committed: bool, offset_reset: str, fetch_max_wait: float) -> dict[str, Any]:
    return {
        "enable_auto_commit": False,
        "auto_offset_reset": offset_reset,
        "isolation_level": "read_committed" if committed else "read_uncommitted",
        "fetch_max_bytes": MAX_MESSAGE_BYTES,
        "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
        "fetch_max_wait_ms": int(fetch_max_wait * 1000),
    }


def _own_sticky_assignor() -> type[StickyPartitionAssignor]:
    """A class for one consumer: aiokafka's assignor remembers its assignment in class attributes, so that two members
    of a group in one process would take each other's memory for their own."""
    return type("OwnStickyAssignor", (StickyPartitionAssignor,), {})
