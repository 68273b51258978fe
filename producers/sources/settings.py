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
        "TRACE_ORACLE_DSN",
        "",
        "Easy Connect string, descriptor or alias, such as host:1521/service; without user and password.",
    )
    oracle_user: str = setting("TRACE_ORACLE_USER", "", "Oracle's user.")
    oracle_password: str = setting("TRACE_ORACLE_PASSWORD", "", "Oracle's password.", secret=True)
    oracle_flashback: bool = setting(
        "TRACE_ORACLE_FLASHBACK",
        True,
        "Read every chunk of a job at one SCN; needs FLASHBACK on the tables and EXECUTE on DBMS_FLASHBACK.",
    )
    oracle_connect_seconds: float = setting(
        "TRACE_ORACLE_CONNECT_SECONDS",
        10.0,
        "How long connecting to Oracle, or asking whether a connection still lives, may take.",
        unit="seconds",
    )
    oracle_call_seconds: float = setting(
        "TRACE_ORACLE_CALL_SECONDS",
        120.0,
        "How long one round trip may take before it is broken, where the domain has no timeout_seconds.",
        unit="seconds",
    )
    oracle_wait_seconds: float = setting(
        "TRACE_ORACLE_WAIT_SECONDS",
        30.0,
        "How long a query waits for a connection when all TRACE_SOURCE_CONNECTIONS are in use.",
        unit="seconds",
    )
    oracle_config_dir: Path | None = setting(
        "TRACE_ORACLE_CONFIG_DIR", None, "The folder of tnsnames.ora, for a DSN that is an alias."
    )
    oracle_wallet: Path | None = setting(
        "TRACE_ORACLE_WALLET",
        None,
        "The folder of a wallet for TLS (tcps): ewallet.pem, in thick mode cwallet.sso.",
    )
    oracle_wallet_password: str = setting(
        "TRACE_ORACLE_WALLET_PASSWORD", "", "The password of ewallet.pem.", secret=True
    )
    oracle_thick: bool = setting(
        "TRACE_ORACLE_THICK",
        False,
        "Use Oracle's client libraries (thick mode), which must be installed, instead of the driver's own protocol.",
    )
    oracle_client_folder: Path | None = setting(
        "TRACE_ORACLE_CLIENT_FOLDER",
        None,
        "Where those libraries lie, on macOS and Windows; elsewhere the system's search path says it.",
    )
