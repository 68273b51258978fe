"""Which database, and how to reach it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.settings import setting


@dataclass(frozen=True, slots=True)
class SourceSettings:
    source: str = setting("TRACE_SOURCE", "duckdb", "The database: duckdb or oracle.")
    connections: int = setting(
        "TRACE_SOURCE_CONNECTIONS",
        9,
        "Queries that may run at once; TRACE_WORKER_JOBS × TRACE_PARALLEL_CHUNKS and one more, so that no job waits for another's.",
        unit="queries",
    )
    lob_bytes: int = setting(
        "TRACE_LOB_BYTES",
        4 << 20,
        "The largest CLOB or BLOB put into a record; a larger one fails the job.",
        unit="bytes",
    )
    duckdb_path: Path = setting(
        "TRACE_DUCKDB_PATH", Path("trace.duckdb"), "The DuckDB file; opened for reading only."
    )
    duckdb_memory: str = setting(
        "TRACE_DUCKDB_MEMORY",
        "96MB",
        "DuckDB's memory limit, as DuckDB writes it; each chunk being read needs about 12 MB.",
    )
    oracle_dsn: str = setting(
        "TRACE_ORACLE_DSN", "", "Easy Connect string or descriptor, such as host:1521/service."
    )
    oracle_user: str = setting("TRACE_ORACLE_USER", "", "Oracle's user.")
    oracle_password: str = setting("TRACE_ORACLE_PASSWORD", "", "Oracle's password.", secret=True)
    oracle_flashback: bool = setting(
        "TRACE_ORACLE_FLASHBACK", True, "Read every chunk of a job at one SCN; needs FLASHBACK on the tables."
    )
    oracle_connect_seconds: float = setting(
        "TRACE_ORACLE_CONNECT_SECONDS", 10.0, "How long connecting to Oracle may take.", unit="seconds"
    )
