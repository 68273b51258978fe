"""What a producer worker may use and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.settings import setting


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """Settings of ``tracestream worker``."""

    batch_size: int = setting(
        "TRACE_STREAM_BATCH_SIZE", 5000, "Records in one message at most.", unit="records"
    )
    batch_bytes: int = setting(
        "TRACE_STREAM_BATCH_BYTES",
        5 * 1024 * 1024,
        "Size of one message at most; a larger record goes alone.",
        unit="bytes",
    )
    record_bytes: int = setting(
        "TRACE_MAX_RECORD_BYTES", 15 * 1024 * 1024, "A single record above this fails the job.", unit="bytes"
    )
    job_bytes: int = setting(
        "TRACE_MAX_JOB_BYTES", 20 * 1024**3, "A job whose answer grows above this fails.", unit="bytes"
    )
    jobs: int = setting(
        "TRACE_WORKER_JOBS",
        4,
        "Jobs a worker runs at once; one slot is kept for small jobs: one chunk a domain, 1,000 IDs at most.",
    )
    parallel_chunks: int = setting(
        "TRACE_PARALLEL_CHUNKS", 2, "Chunks of one job read ahead at the same time."
    )
    read_ahead_bytes: int = setting(
        "TRACE_READ_AHEAD_BYTES",
        16 * 1024 * 1024,
        "Encoded records of one job held ahead of the writer.",
        unit="bytes",
    )
    fetch_rows: int = setting("TRACE_FETCH_ROWS", 2000, "Rows read from the source at a time.", unit="rows")
    transaction_bytes: int = setting(
        "TRACE_TRANSACTION_BYTES",
        16 * 1024 * 1024,
        "A transaction ends at the first chunk border behind this.",
        unit="bytes",
    )
    transaction_seconds: float = setting(
        "TRACE_TRANSACTION_SECONDS",
        1.0,
        "A transaction ends at the first chunk border behind this.",
        unit="seconds",
    )
    transaction_timeout: float = setting(
        "TRACE_TRANSACTION_TIMEOUT",
        300.0,
        "After this Kafka aborts a transaction by itself; longer than any domain's time-out for a chunk.",
        unit="seconds",
    )
    max_tries: int = setting("TRACE_MAX_TRIES", 5, "Starts in a row that add nothing before a job fails.")
    chunk_timeout: float = setting(
        "TRACE_CHUNK_TIMEOUT",
        120.0,
        "How long the source may take for a chunk where its domain says nothing.",
        unit="seconds",
    )
    chunk_tries: int = setting(
        "TRACE_CHUNK_TRIES",
        13,
        "How often a chunk is read when the source fails retryably, 5 times at most when it is too slow; 13 last 50 s on average.",
    )
    result_timeout: float = setting(
        "TRACE_RESULT_TIMEOUT",
        900.0,
        "How long a job waits for its aggregation before it fails.",
        unit="seconds",
    )
    session_timeout: float = setting(
        "TRACE_SESSION_TIMEOUT", 10.0, "A worker silent for this long loses its partitions.", unit="seconds"
    )
    heartbeat: float = setting(
        "TRACE_HEARTBEAT", 2.0, "Time between two heartbeats of a worker.", unit="seconds"
    )
    broker_deadline: float = setting(
        "TRACE_BROKER_DEADLINE", 15.0, "How long one step of the protocol may wait for Kafka.", unit="seconds"
    )
    drain_seconds: float = setting(
        "TRACE_DRAIN_SECONDS",
        7.0,
        "How long SIGTERM lets transactions finish before they are aborted.",
        unit="seconds",
    )
    sweep_seconds: float = setting(
        "TRACE_SWEEP_SECONDS",
        3600.0,
        "Time between two searches for topics that belong to no job.",
        unit="seconds",
    )
    orphan_age: float = setting(
        "TRACE_ORPHAN_AGE",
        3600.0,
        "A topic without a job is removed when its last record is older.",
        unit="seconds",
    )
