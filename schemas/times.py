"""Times as the contract writes them: milliseconds since the epoch inside, ISO 8601 with a zone outside."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(unix_ms: int) -> str:
    """``2026-11-24T08:30:00.125Z`` from milliseconds since the epoch (ISO 8601, RFC 3339)."""
    seconds, ms = divmod(unix_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
