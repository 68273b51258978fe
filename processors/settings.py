"""What a processor may use and how quickly it is missed."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.settings import setting


@dataclass(frozen=True, slots=True)
class ProcessorSettings:
    """Settings of ``tracestream processor``."""

    jobs: int = setting(
        "TRACE_PROCESSOR_JOBS",
        4,
        "Jobs a processor folds at once; one of them is kept for jobs whose extraction has ended.",
    )
    poll_seconds: float = setting(
        "TRACE_PROCESSOR_POLL",
        1.0,
        "How long a fold waits for news of a growing log before it looks by itself.",
        unit="seconds",
    )
    session_timeout: float = setting(
        "TRACE_PROCESSOR_SESSION_TIMEOUT",
        10.0,
        "A processor silent for this long loses its partitions.",
        unit="seconds",
    )
    rebalance_timeout: float = setting(
        "TRACE_PROCESSOR_REBALANCE_TIMEOUT",
        10.0,
        "How long the others wait for a processor when partitions are shared out anew.",
        unit="seconds",
    )
    broker_deadline: float = setting(
        "TRACE_PROCESSOR_BROKER_DEADLINE",
        30.0,
        "How long one step may wait for Kafka before it begins again.",
        unit="seconds",
    )
    drain_seconds: float = setting(
        "TRACE_PROCESSOR_DRAIN_SECONDS",
        7.0,
        "How long SIGTERM lets the processor leave its group in good order.",
        unit="seconds",
    )

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise ValueError("TRACE_PROCESSOR_JOBS must be at least 1.")
