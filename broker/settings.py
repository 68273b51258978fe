"""Where the Kafka cluster is and how this deployment names and sizes its topics."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.settings import setting


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Connection and topic settings shared by every process."""

    bootstrap: str = setting(
        "TRACE_KAFKA_BOOTSTRAP", "127.0.0.1:9092", "Kafka bootstrap servers, host:port, separated by commas."
    )
    security_protocol: str = setting(
        "TRACE_KAFKA_SECURITY", "PLAINTEXT", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    ca_file: str | None = setting(
        "TRACE_KAFKA_CA_FILE", None, "PEM file with the authorities that sign the brokers."
    )
    sasl_mechanism: str = setting(
        "TRACE_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "SASL mechanism, with SASL_* security."
    )
    sasl_username: str | None = setting("TRACE_KAFKA_USERNAME", None, "SASL user name.")
    sasl_password: str | None = setting("TRACE_KAFKA_PASSWORD", None, "SASL password.", secret=True)
    prefix: str = setting(
        "TRACE_TOPIC_PREFIX", "trace.", "What every topic, group and transactional id begins with."
    )
    partitions: int = setting("TRACE_PARTITIONS", 8, "Partitions of the commands, jobs and results topics.")
    replication: int = setting("TRACE_REPLICATION", 1, "Replicas of every topic.")
    min_insync: int = setting(
        "TRACE_MIN_INSYNC_REPLICAS", 1, "Replicas that must have a write before it counts."
    )
    command_retention: float = setting(
        "TRACE_COMMAND_RETENTION", 14 * 86400.0, "How long commands are kept.", unit="seconds"
    )
