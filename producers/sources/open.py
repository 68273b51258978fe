"""Which source a setting names."""

from __future__ import annotations

from producers.sources.protocol import Source
from producers.sources.settings import SourceSettings


def open_source(settings: SourceSettings) -> Source:
    """The source, not yet connected. Raises ValueError for an unknown one."""
    if settings.source == "duckdb":
        from producers.sources.duckdb import DuckDBSource  # noqa: PLC0415 - neither driver is loaded without need

        return DuckDBSource(
            settings.duckdb_path, connections=settings.connections, memory=settings.duckdb_memory
        )
    if settings.source == "oracle":
        from producers.sources.oracle import OracleSource  # noqa: PLC0415

        return OracleSource(settings)
    raise ValueError(f"TRACE_SOURCE is duckdb or oracle, not {settings.source!r}")
