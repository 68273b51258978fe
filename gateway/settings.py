"""Limits, time-outs and addresses of a gateway (design: "HTTP (gateway)", Limits)."""

from __future__ import annotations

from dataclasses import dataclass, fields

from schemas.settings import setting

_MAY_BE_0 = frozenset({"port", "allow_public", "access_log", "sync_max_cids", "sync_bytes", "cache_bytes"})


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Settings of ``tracestream gateway``. Raises ValueError when a combination makes no sense."""

    host: str = setting("TRACE_HTTP_HOST", "127.0.0.1", "Address to listen on.")
    port: int = setting("TRACE_HTTP_PORT", 8080, "Port to listen on; 0 takes a free one.")
    allow_public: bool = setting(
        "TRACE_ALLOW_PUBLIC",
        False,
        "Listen beyond loopback although nobody is asked who they are; put authentication in front.",
    )
    allowed_hosts: tuple[str, ...] = setting(
        "TRACE_ALLOWED_HOSTS",
        (),
        "Host names beside the loopback ones that requests may name; *.example.org stands for its subdomains, * for any name.",
    )
    cors_origins: tuple[str, ...] = setting(
        "TRACE_CORS_ORIGINS",
        (),
        "Origins of pages elsewhere that may use this gateway, as https://host:port; * for any.",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "TRACE_TRUSTED_PROXIES",
        (),
        "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    max_cids: int = setting("TRACE_MAX_CIDS", 200_000, "Distinct container IDs a job may have.")
    max_cids_plain: int | None = setting(
        "TRACE_MAX_CIDS_PLAIN",
        None,
        "Distinct container IDs a job without an aggregation may have; empty: the same as any job.",
    )
    sync_max_cids: int = setting(
        "TRACE_SYNC_MAX_CIDS", 20_000, "Above so many container IDs Prefer: wait is answered with 202."
    )
    sync_bytes: int = setting(
        "TRACE_SYNC_BYTES",
        8 * 1024 * 1024,
        "An answer larger than this is not waited for: 202.",
        unit="bytes",
    )
    sync_seconds: float = setting(
        "TRACE_SYNC_SECONDS", 60.0, "Longest wait that Prefer: wait is granted.", unit="seconds"
    )
    max_body: int = setting(
        "TRACE_MAX_BODY", 64 * 1024 * 1024, "Size of a request's body at most.", unit="bytes"
    )
    default_ttl: int = setting(
        "TRACE_TTL_SECONDS",
        86_400,
        "How long a job's log is kept after its end where the request says nothing.",
        unit="seconds",
    )
    min_ttl: int = setting(
        "TRACE_MIN_TTL_SECONDS", 60, "Shortest life that may be asked for.", unit="seconds"
    )
    max_ttl: int = setting(
        "TRACE_MAX_TTL_SECONDS", 7 * 86_400, "Longest life that may be asked for.", unit="seconds"
    )
    max_live_jobs: int = setting(
        "TRACE_MAX_LIVE_JOBS", 2000, "Jobs with a log or on the way to one; above this submits are refused."
    )
    max_queued_per_client: int = setting(
        "TRACE_MAX_QUEUED_PER_CLIENT",
        100,
        "Queued jobs a client may have; above this its submits are refused.",
    )
    streams_per_client: int = setting(
        "TRACE_STREAMS_PER_CLIENT", 200, "Streams a client may have open at a time."
    )
    page_limit: int = setting("TRACE_PAGE_LIMIT", 50_000, "Largest limit of the page API.", unit="records")
    page_bytes: int = setting(
        "TRACE_PAGE_BYTES", 32 * 1024 * 1024, "Size of a page's body at most.", unit="bytes"
    )
    keepalive_seconds: float = setting(
        "TRACE_KEEPALIVE_SECONDS",
        10.0,
        "A stream on which nothing happens gets a blank line this often.",
        unit="seconds",
    )
    cache_bytes: int = setting(
        "TRACE_CACHE_BYTES",
        64 * 1024 * 1024,
        "Memory for messages that several readers want.",
        unit="bytes",
    )
    replay_connections: int = setting(
        "TRACE_REPLAY_CONNECTIONS", 4, "Connections to a broker that all replays share."
    )
    broker_deadline: float = setting(
        "TRACE_GATEWAY_BROKER_DEADLINE",
        10.0,
        "How long a request may wait for Kafka before it is answered with 503.",
        unit="seconds",
    )
    drain_seconds: float = setting(
        "TRACE_GATEWAY_DRAIN_SECONDS",
        6.0,
        "How long SIGTERM lets open requests end before they are cut.",
        unit="seconds",
    )
    example_ids: str = setting(
        "TRACE_EXAMPLE_IDS",
        "",
        "File with container IDs, one a line, that the page offers as an example; empty: none.",
    )
    access_log: bool = setting("TRACE_ACCESS_LOG", False, "Log a line for each request.")

    @property
    def max_cids_without_aggregation(self) -> int:
        return self.max_cids if self.max_cids_plain is None else min(self.max_cids, self.max_cids_plain)

    def __post_init__(self) -> None:
        if not 0 < self.min_ttl <= self.default_ttl <= self.max_ttl:
            raise ValueError(
                "TRACE_MIN_TTL_SECONDS, TRACE_TTL_SECONDS and TRACE_MAX_TTL_SECONDS must be above 0 and grow in this order."
            )
        if not 0 <= self.port <= 65535:
            raise ValueError(f"TRACE_HTTP_PORT has the value {self.port}, but must be from 0 to 65535.")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in _MAY_BE_0 and isinstance(value, int | float) and value <= 0:
                raise ValueError(f"{field.metadata['env']} has the value {value}, but must be above 0.")
